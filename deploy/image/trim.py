"""Takes from an environment, and from the Python below it, what the service does not need.

    python deploy/image/trim.py /opt/numeral

Runs where the image is built. Neither can be used for much else afterwards.
"""

import py_compile
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

# Of packages: tests, what is for compilers and editors, and parts for those who make models.
_BALLAST = (
    "numpy/**/tests",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.h",
    "**/*.a",
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    # For programs in C: Python's own module holds all of it once more.
    "onnxruntime/capi/libonnxruntime.so*",
)
# Of Python: what draws windows, teaches, or installs packages.
_STANDARD_BALLAST = (
    "config-*",
    "ensurepip",
    "idlelib",
    "lib-dynload/*test*",
    "lib-dynload/_tkinter*",
    "pydoc_data",
    "site-packages/*",
    "test",
    "tkinter",
    "turtledemo",
)
# Published with their debugging symbols, nine tenths of their size.
_WITH_SYMBOLS = ("uvloop/**/*.so", "httptools/**/*.so")

_PRINT_USED_FILES = """
import importlib, pkgutil, sys
import PIL.Image, service
PIL.Image.init()
for module in pkgutil.walk_packages(service.__path__, "service."):
    if not module.name.endswith(".__main__"):
        importlib.import_module(module.name)
print(*{getattr(module, "__file__", None) for module in list(sys.modules.values())}, sep="\\n")
"""


def trim(environment: Path, standard: Path) -> None:
    """Trim an environment and the standard library that it uses."""
    [site_packages] = environment.glob("lib/python3.*/site-packages")
    remove(found(site_packages, _BALLAST))
    remove(found(standard, _STANDARD_BALLAST))
    for file in found(site_packages, _WITH_SYMBOLS):
        _run("strip", "--strip-unneeded", file)
    # Compiled are the modules that a process imports: the others would take more room than time.
    used = used_files(environment / "bin" / "python")
    for folder in (site_packages, standard):
        remove(folder.rglob("__pycache__"))
    # Without a look at the source, whose time of change an image does not keep.
    never_checked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for file in used:
        py_compile.compile(str(file), invalidation_mode=never_checked)


def found(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """Files and folders in `folder` that fit one of `patterns`."""
    return [path for pattern in patterns for path in folder.glob(pattern)]


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and folders with all that is in them; some may lie in others."""
    for path in list(paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def used_files(python: Path) -> list[Path]:
    """Source files of all modules that the service imports, by the interpreter `python`."""
    lines = _run(python, "-B", "-c", _PRINT_USED_FILES).splitlines()
    return sorted(Path(line) for line in lines if line.endswith(".py"))


def _run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    trim(Path(sys.argv[1]), Path(sysconfig.get_path("stdlib")))
