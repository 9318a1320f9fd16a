"""Which template a path fits: `/models/resnet` fits `/models/{name}`."""

from collections.abc import Iterable
from functools import lru_cache

from starlette.routing import compile_path

UNKNOWN = "unknown"

# Few paths with parameters are asked for again and again; anyone may ask for others.
_REMEMBERED = 1024


class PathTemplates:
    """Finds the template of a path; the same whoever answers it, and for an error as well."""

    def __init__(self, templates: Iterable[str]) -> None:
        templates = list(templates)
        self._exact = {template: template for template in templates if "{" not in template}
        self._patterns = [
            (compile_path(template)[0], template) for template in templates if "{" in template
        ]
        self._search = lru_cache(_REMEMBERED)(self._found)

    def of(self, path: str) -> str:
        """The template that `path` fits, or `unknown`."""
        return self._exact.get(path) or self._search(path)

    def _found(self, path: str) -> str:
        for pattern, template in self._patterns:
            if pattern.match(path):
                return template
        return UNKNOWN
