"""What the targets of the Makefile would run."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def commands(*arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_browser_is_installed_on_the_system_only_on_request() -> None:
    assert "apt-get -qq install" not in commands("test")
    assert "install --no-install-recommends chromium" in commands("browser")
    assert "install --no-install-recommends chromium" in commands("test", "CI=true")


def test_the_shipped_models_are_replaced_by_a_flag_and_checked() -> None:
    exports = [line for line in commands("weights").splitlines() if "-m export " in line]

    assert len(exports) == 2
    assert all("--replace-shipped" in line and "--force" not in line for line in exports)
    assert "--replace-shipped --force" in commands("weights", "ARGS=--force")
