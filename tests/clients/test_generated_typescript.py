"""A client that openapi-typescript and openapi-fetch make of the service's document works."""

import json
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.strips import bars

SOURCES = Path(__file__).parent / "typescript"

# What npm says where the packages cannot be had; anything else is a fault of ours.
_NO_PACKAGES = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "E403", "E404")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, reading_server):
    """A folder with the generated client, compiled, which checks its types."""
    if missing := [tool for tool in ("node", "npm") if shutil.which(tool) is None]:
        pytest.skip(f"no TypeScript client is tested: there is no {' and no '.join(missing)}")
    folder = tmp_path_factory.mktemp("typescript") / "client"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules", "out"))
    _install(folder)
    document = folder / "openapi.json"
    document.write_bytes(httpx.get(f"{reading_server}/openapi.json").content)
    _run(folder, "node", "generate.mjs", document)
    _run(folder, "node", "node_modules/typescript/bin/tsc", "--project", ".")
    return folder


def test_a_typescript_client_reads_digits_fields_and_models(
    workshop, reading_server, seven, tmp_path
):
    digit, strip = tmp_path / "digit.png", tmp_path / "strip.png"
    digit.write_bytes(seven)
    strip.write_bytes(bars("#18014"))

    answers = json.loads(_run(workshop, "node", "out/client.js", reading_server, digit, strip))

    assert answers["raw"] == [7, "lenet5", "accept"]
    assert answers["form"] == 7
    assert answers["batch"] == [7, 7, "/problems/invalid-item"]
    assert answers["id"] == "b"
    assert answers["field"] == "18014"
    assert answers["boxes"] == [4] * 5
    assert answers["checked"] != "18014"
    assert "resnet" in answers["models"]
    assert answers["reader"] == "Bars"
    assert answers["error"] == [404, "/problems/unknown-model", "mine"]


def test_the_lock_file_names_no_registry_but_every_hash():
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    locked = [package for place, package in packages.items() if place]

    assert locked
    assert all(package["integrity"].startswith("sha512-") for package in locked)
    assert not any("resolved" in package for package in locked)


def _install(folder):
    options = ("--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
    finished = _finished(folder, "npm", "ci", *options)
    if codes := [code for code in _NO_PACKAGES if code in finished.stderr]:
        pytest.skip(f"no TypeScript client is tested: npm cannot have its packages ({codes[0]})")
    assert finished.returncode == 0, finished.stderr


def _run(folder, *command):
    finished = _finished(folder, *command)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def _finished(folder, *command):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
