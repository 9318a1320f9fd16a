"""A browser that watches what a page must not do: complain, break its policy, leave the service."""

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
_REFUSAL = "Failed to load resource"


def executable() -> str | None:
    """The browser of this machine, or the one that CHROMIUM names."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def launched(path: str | Path) -> Iterator[Browser]:
    """The browser at `path`, without a window."""
    with sync_playwright() as playwright:
        # In a container, where tests are root, it cannot make a sandbox of its own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watch:
    """What went wrong on a page.

    Attributes:
        refusals: whether the service is expected to refuse requests, which a browser reports.
    """

    origin: str
    refusals: bool = False
    faults: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        """Watch `page` from now on."""
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", self._note_request)

    def _note_message(self, message: ConsoleMessage) -> None:
        refused = self.refusals and message.text.startswith(_REFUSAL)
        if message.type in ("error", "warning") and not refused:
            self.faults.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", f"blob:{self.origin}/")):
            self.faults.append(f"request outside: {request.url}")
