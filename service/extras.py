"""What `pip install` brings only if asked: whether it is there, and how it is had."""

from importlib.util import find_spec


def how_to_install(extra: str) -> str:
    """The command that brings `extra`."""
    # Not by the name numeral, which on PyPI is another project's.
    return f"in a checkout of Numeral, .venv/bin/pip install -e '.[{extra}]' brings it"


def is_installed(package: str) -> bool:
    """Whether `package` could be imported, told without importing it."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
