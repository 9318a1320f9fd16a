"""Optional packages: whether they are installed, and how to install them."""

from importlib.util import find_spec


def how_to_install(extra: str) -> str:
    """Return how to install `extra`."""
    # Not by the name numeral, which on PyPI belongs to another project.
    return f"run .venv/bin/pip install -e '.[{extra}]' in a checkout of Numeral"


def is_installed(package: str) -> bool:
    """Return whether `package` can be imported, without importing it."""
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
