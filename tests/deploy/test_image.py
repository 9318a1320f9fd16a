"""The image omits nothing that the service uses."""

import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.deploy.queries import DEPLOY, ROOT

TRIM = runpy.run_path(str(DEPLOY / "image" / "trim.py"))
GATHER = runpy.run_path(str(DEPLOY / "image" / "gather.py"))
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
STANDARD = Path(sysconfig.get_path("stdlib"))

READ_A_DIGIT = """
import asyncio, pathlib, sys
from prometheus_client import CollectorRegistry
from service.inference.engine import Engine
from service.inference.digits import DigitOptions
from service.inference.registry import Registry
from service.metrics import Metrics
from service.settings import Settings

async def read() -> None:
    async with Engine(queue_size=256, request_timeout=30.0) as engine:
        registry = Registry(Settings(), Metrics())
        await registry.load()
        picture = pathlib.Path(sys.argv[1]).read_bytes()
        result = await engine.run(registry.digits(DigitOptions()), [picture])
        print(result.outcomes[0].answer.digit)

asyncio.run(read())
print(pathlib.Path("/proc/self/maps").read_text())
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="the image is for Linux")


def test_no_imported_module_is_removed():
    used = TRIM["used_files"](Path(sys.executable))
    unused = {
        *TRIM["found"](SITE_PACKAGES, TRIM["_UNUSED"]),
        *TRIM["found"](STANDARD, set(TRIM["_UNUSED_STANDARD"]) - {"site-packages/*"}),
    }

    assert ROOT / "service" / "app.py" in used
    assert [file for file in used if unused & {file, *file.parents}] == []


@linux
def test_no_loaded_library_is_removed():
    finished = subprocess.run(
        [sys.executable, "-c", READ_A_DIGIT, ROOT / "docs" / "digit.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    digit, _, maps = finished.stdout.partition("\n")

    assert digit == "7"
    assert "onnxruntime_pybind11_state" in maps
    removed = TRIM["found"](SITE_PACKAGES, TRIM["_UNUSED"])
    assert [file for file in removed if str(file) in maps] == []


@pytest.mark.parametrize("pattern", TRIM["_UNUSED"])
def test_every_pattern_matches(pattern):
    assert TRIM["found"](SITE_PACKAGES, [pattern])


@linux
def test_system_libraries_include_the_loader(tmp_path):
    extension = next(STANDARD.glob("lib-dynload/_ssl.*.so"))
    (tmp_path / extension.name).write_bytes(extension.read_bytes())

    libraries = GATHER["system_libraries"](tmp_path)

    assert all(library.is_file() for library in libraries)
    assert any(library.name.startswith("libssl") for library in libraries)
    assert any(library.name.startswith("ld-linux") for library in libraries)


def test_dockerignore_includes_every_copied_file():
    dockerfile = (ROOT / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line.removeprefix("!") for line in ignored if line.startswith("!")]

    copied = [
        source
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]

    assert [source for source in copied if source not in sent] == []
    assert [source for source in copied if not (ROOT / source).exists()] == []
