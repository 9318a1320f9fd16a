"""A browser that records faults of a page: errors, policy violations, requests to other hosts."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_REJECTED = "Failed to load resource"


def executable() -> str | None:
    """Return the path of Chromium, or the value of CHROMIUM."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def launched(path: str | Path) -> Iterator[Browser]:
    """Start the browser at `path` without a window."""
    with sync_playwright() as playwright:
        # As root in a container, Chromium cannot create its sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watch:
    """Faults of a page.

    Attributes:
        errors_expected: whether the service rejects requests, which the browser reports.
    """

    origin: str
    errors_expected: bool = False
    faults: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        """Watch `page`."""
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", self._note_request)

    def _note_message(self, message: ConsoleMessage) -> None:
        expected = self.errors_expected and message.text.startswith(_REJECTED)
        if message.type in ("error", "warning") and not expected:
            self.faults.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", f"blob:{self.origin}/")):
            self.faults.append(f"request outside: {request.url}")
