"""Which Numeral this is."""

from importlib import metadata


def version() -> str:
    """The installed version, or a marker where Numeral runs without being installed."""
    try:
        return metadata.version("numeral")
    except metadata.PackageNotFoundError:
        return "0+uninstalled"
