"""The version of Numeral."""

from importlib import metadata


def version() -> str:
    """Return the installed version, or a placeholder where Numeral is not installed."""
    try:
        return metadata.version("numeral")
    except metadata.PackageNotFoundError:
        return "0+uninstalled"
