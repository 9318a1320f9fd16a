"""Lock files, Compose file and wheel."""

import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from models.manifest import MANIFEST_NAME, PACKAGE_DIRECTORY, load_manifest
from service.settings import ENVIRONMENT_PREFIX, Settings

ROOT = Path(__file__).parents[2]
SERVICE_LOCK = ROOT / "requirements" / "service.txt"
TEST_LOCK = ROOT / "requirements" / "test.txt"

both_locks = pytest.mark.parametrize("lock", [SERVICE_LOCK, TEST_LOCK], ids=lambda path: path.name)


@both_locks
def test_a_lock_file_names_no_package_registry(lock: Path) -> None:
    text = lock.read_text()

    assert "://" not in text
    assert "pypi" not in text.lower()


@both_locks
def test_every_locked_package_has_an_exact_version_and_hashes(lock: Path) -> None:
    entries = _entries(lock)

    assert entries
    assert [entry for entry in entries if not re.match(r"[\w.-]+==[\w.]+ ", entry)] == []
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_test_lock_includes_the_service_lock() -> None:
    service, test = (
        {entry.split()[0] for entry in _entries(lock)} for lock in (SERVICE_LOCK, TEST_LOCK)
    )

    assert service - test == set()


def test_the_service_lock_has_the_build_backend_and_no_tensorflow() -> None:
    names = {entry.split("==")[0] for entry in _entries(SERVICE_LOCK)}

    assert "hatchling" in names
    assert not names & {"tensorflow", "tensorflow-cpu", "keras", "tf2onnx"}


def test_the_compose_file_sets_only_settings() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()

    named = set(re.findall(rf"{ENVIRONMENT_PREFIX}\w+", compose))

    assert named
    assert named <= {ENVIRONMENT_PREFIX + name.upper() for name in Settings.model_fields}


def test_the_wheel_has_models_and_page_and_no_tests(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    published = {card.file for card in load_manifest(PACKAGE_DIRECTORY).models} | {MANIFEST_NAME}

    with ZipFile(wheel) as archive:
        packed = set(archive.namelist())

    assert {f"models/{file}" for file in published} <= packed
    page = [path for path in (ROOT / "service" / "web").rglob("*") if path.is_file()]
    assert {str(path.relative_to(ROOT)) for path in page} <= packed
    assert not [name for name in packed if name.startswith("tests/")]


def _entries(lock: Path) -> list[str]:
    """Return the packages of a lock file, each with its hashes on one line."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [re.sub(r"\s+", " ", entry) for entry in joined.splitlines() if entry.strip()]
