"""PDF, HEIC and AVIF: a page to a grey picture, by `page_reader` in a process of its own."""

import json
import logging
import os
import subprocess
import sys
from typing import Any

from PIL import Image

from service import errors
from service.imaging.greyscale import Picture, to_grey

logger = logging.getLogger(__name__)

# More is a mistake, and would take minutes.
MOST_PAGES = 200

# A page of A4 takes a tenth of a second, a photo of 12 megapixels half a second. The second limit,
# for a busy machine, is below the default request timeout: the caller learns the reason.
_CPU_SECONDS, _SECONDS = 3, 8

# Of memory: for each pixel (a HEIC file takes 8, AVIF 9, a PDF 4), and for the program.
_PIXEL_BYTES, _PROGRAM_BYTES = 10, 128 << 20

# What programs write in front of a PDF: blanks, and the byte order mark of UTF-8.
_PDF, _BEFORE_PDF, _PDF_WITHIN = b"%PDF-", b"\xef\xbb\xbf\0\t\n\f\r ", 1024
_BRANDS = frozenset(b"heic heix heim heis hevc hevx mif1 msf1 avif avis".split())
_PROGRAM = "service.page_reader"


def is_document(content: object) -> bool:
    """Tell whether `content` is the start of a PDF, HEIC or AVIF file."""
    if not isinstance(content, bytes):
        return False
    if content[:_PDF_WITHIN].lstrip(_BEFORE_PDF).startswith(_PDF):
        return True
    return content[4:8] == b"ftyp" and content[8:12] in _BRANDS


def decode_document(data: bytes, *, page: int, max_pixels: int) -> Picture:
    """Decode a page, from 1; of a PDF at 200 dpi, or less so that it has `max_pixels`.

    Raises:
        PictureTooLarge: the page, or a picture in it, has more than `max_pixels`.
        UnreadableImage: the file is encrypted or damaged, has no such page or more than
            `MOST_PAGES`, or takes too much time or memory.
    """
    head, pixels = _read(data, page, max_pixels)
    return to_grey(Image.frombytes(head["mode"], head["size"], pixels))


def count_document_pages(data: bytes) -> int:
    """Return how many pages a file has; raises what `decode_document` does."""
    pages: int = _read(data, 0, 0)[0]["pages"]
    return pages


def _read(data: bytes, page: int, max_pixels: int) -> tuple[dict[str, Any], bytes]:
    memory = _PROGRAM_BYTES + _PIXEL_BYTES * max_pixels + (0 if page else len(data))
    arguments = map(str, (page, max_pixels, MOST_PAGES, memory, _CPU_SECONDS))
    # -P: modules of the working directory do not shadow others.
    command = [sys.executable, "-P", "-m", _PROGRAM, *arguments]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(  # noqa: S603 - no shell
            command, input=data, capture_output=True, check=True, timeout=_SECONDS, env=environment
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        # Also if the program itself is broken, which its last words tell.
        logger.warning("document not decoded: %s; %s", error, (error.stderr or b"")[-500:])
        raise errors.UnreadableImage(
            f"the file is damaged, or needs more than {_CPU_SECONDS} s or {memory >> 20} MiB to"
            " decode; send the page as a PNG"
        ) from error
    line, _, pixels = done.stdout.partition(b"\n")
    head = json.loads(line)
    if "error" in head:
        raise getattr(errors, head["error"])(head["reason"])
    return head, pixels
