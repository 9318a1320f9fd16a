"""Remove what the service does not need from an environment and its Python.

    python deploy/image/trim.py /opt/numeral

Runs in the builder of the image.
"""

import py_compile
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

# Packages: tests, files for compilers and editors, tools to build models.
_UNUSED = (
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
    # For C programs; Python's module includes it.
    "onnxruntime/capi/libonnxruntime.so*",
)
# Standard library: GUI, teaching, installation of packages.
_UNUSED_STANDARD = (
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
# Published with debugging symbols, nine tenths of their size.
_WITH_SYMBOLS = ("uvloop/**/*.so", "httptools/**/*.so")

_PRINT_USED_FILES = """
import importlib, pkgutil, sys
import PIL.Image, pillow_heif, pypdfium2, service
PIL.Image.init()
for module in pkgutil.walk_packages(service.__path__, "service."):
    if not module.name.endswith(".__main__"):
        importlib.import_module(module.name)
print(*{getattr(module, "__file__", None) for module in list(sys.modules.values())}, sep="\\n")
"""


def trim(environment: Path, standard: Path) -> None:
    """Trim an environment and its standard library."""
    [site_packages] = environment.glob("lib/python3.*/site-packages")
    remove(found(site_packages, _UNUSED))
    remove(found(standard, _UNUSED_STANDARD))
    for file in found(site_packages, _WITH_SYMBOLS):
        _run("strip", "--strip-unneeded", file)
    # Compile only the modules that a process imports; the others would only take space.
    used = used_files(environment / "bin" / "python")
    for folder in (site_packages, standard):
        remove(folder.rglob("__pycache__"))
    # Unchecked, because an image does not preserve modification times.
    never_checked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for file in used:
        py_compile.compile(str(file), invalidation_mode=never_checked)


def found(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the files and folders in `folder` that match `patterns`."""
    return [path for pattern in patterns for path in folder.glob(pattern)]


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders; some may be inside others."""
    for path in list(paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def used_files(python: Path) -> list[Path]:
    """Return the source files of all modules that the service imports with `python`."""
    lines = _run(python, "-B", "-c", _PRINT_USED_FILES).splitlines()
    return sorted(Path(line) for line in lines if line.endswith(".py"))


def _run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    trim(Path(sys.argv[1]), Path(sysconfig.get_path("stdlib")))
