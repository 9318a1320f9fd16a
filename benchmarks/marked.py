"""Tables in a page that is otherwise written by hand, between marks that name them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path


def fill(page: Path, tables: Mapping[str, Iterable[str]]) -> None:
    """Write lines between `<!-- name: ... -->` and `<!-- /name -->`, for each name.

    Raises:
        ValueError: the page has not the marks.
    """
    text = page.read_text()
    for name, lines in tables.items():
        marks = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*(<!-- /{name} -->)", re.DOTALL)
        found = marks.search(text)
        if not found:
            raise ValueError(f"{page}: has no marks `<!-- {name}: ... -->` and `<!-- /{name} -->`")
        inside = "\n".join(lines)
        text = f"{text[: found.start()]}{found[1]}{inside}\n{found[2]}{text[found.end() :]}"
    page.write_text(text)
