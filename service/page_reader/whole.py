"""Checks that all that a page draws is there: pdfium leaves out what it cannot decode."""

import re
import struct
import zlib
from io import BytesIO
from itertools import islice, zip_longest
from typing import Any

import pypdfium2

from service.page_reader.objects import Damaged, Objects, Reference, Stream

# Of commands, or of a picture in two compressions.
_MOST_BYTES = 64 << 20

# Bytes that may follow the end of compressed data; Pillow's PDFs have the rest of a TIFF there.
_SPARE_BYTES = 1024

_NAMES = re.compile(rb"/[^\s/<>()\[\]{}%]+")
_DRAWN = re.compile(rb"(/[^\s/<>()\[\]{}%]+)\s+Do\b")

_COMPONENTS = {"/DeviceRGB": 3, "/CalRGB": 3, "/Lab": 3, "/DeviceCMYK": 4}

# Numbers of TIFF.
_COMPRESSIONS = {"/LZWDecode": 5, "/RunLengthDecode": 32773}
_GROUP_4, _LONG = 4, 4

_JPEG_END = b"\xff\xd9"
_FAX_END = 2 * "000000000001"
_SHORTEST_SEGMENT, _UNKNOWN_LENGTH = 11, 0xFFFFFFFF


def check_page(document: pypdfium2.PdfDocument, number: int) -> None:
    """Check what a page draws, from 1: its commands, pictures, their masks, annotations.

    Raises:
        Damaged: something is missing or shorter than announced.
    """
    _Page(Objects(document)).check(number)


class _Page:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._checked: set[int] = set()

    def check(self, number: int) -> None:
        objects = self._objects
        page = next(islice(objects.pages(), number - 1, None), {})
        if "/Contents" in page:
            parts = objects.items(page["/Contents"])
            self._check_content([self._content(part) for part in parts], page["/Resources"])
        for annotation in objects.items(page.get("/Annots")):
            drawn = objects.entries(objects.entries(annotation).get("/AP")).get("/N")
            states = objects.get(drawn)
            for each in states.values() if type(states) is dict else objects.items(drawn):
                self._check_drawn(each, "an annotation", {})

    def _filters(self, stream: Stream) -> list[tuple[str, dict[str, Any]]]:
        """Return how a stream is encoded: names and parameters."""
        names = self._objects.items(stream.get("/Filter"))
        parameters = self._objects.items(stream.get("/DecodeParms"))[: len(names)]
        return [
            (str(self._objects.get(name)), self._objects.entries(each))
            for name, each in zip_longest(names, parameters)
        ]

    def _content(self, value: Any) -> bytes | None:  # noqa: ANN401
        """Return commands; None if they are in a rare compression."""
        stream = self._objects.get(value)
        if not isinstance(stream, Stream):
            raise Damaged("its content is missing")
        content = stream.encoded
        for name, _ in self._filters(stream):
            if name != "/FlateDecode":
                return None
            content = _inflate(content, _MOST_BYTES)
        if len(content) >= _MOST_BYTES:
            raise Damaged(f"its content has more than {_MOST_BYTES} bytes")
        return content

    def _check_content(self, contents: list[bytes | None], resources: Any) -> None:  # noqa: ANN401
        """Check what commands draw; pages may share the names of all that any of them draws."""
        entries, resources = self._objects.entries, self._objects.entries(resources)
        text = b"\n".join(filter(None, contents))
        names, drawn = (
            {name.decode("latin-1") for name in pattern.findall(text)}
            for pattern in (_NAMES, _DRAWN)
        )
        for name in sorted(drawn - entries(resources.get("/XObject")).keys()):
            # Other names are written in several ways.
            if "#" not in name:
                raise Damaged(f"{name} is missing")
        for kind in ("/XObject", "/Pattern", "/ExtGState"):
            for name, value in entries(resources.get(kind)).items():
                if name in names or "#" in name or None in contents:
                    self._check_drawn(value, name, resources)

    def _check_drawn(self, value: Any, name: str, resources: dict[str, Any]) -> None:  # noqa: ANN401
        """Check a picture, a form or a pattern, or the mask of a state."""
        if isinstance(value, Reference):
            if value in self._checked:
                return
            self._checked.add(value)
        drawn = self._objects.get(value)
        if not isinstance(drawn, dict):
            raise Damaged(f"{name} is missing")
        masks = [self._objects.entries(drawn.get("/SMask")).get("/G")]
        if isinstance(drawn, Stream):
            if self._objects.get(drawn.get("/Subtype")) == "/Image":
                self._check_picture(drawn, name)
                masks = [drawn.get("/SMask"), drawn.get("/Mask")]
            else:
                own = drawn.get("/Resources", resources)
                self._check_content([self._content(value)], own)
        for mask in masks:
            # A mask may also be a list of colours.
            if isinstance(mask, Reference) and not isinstance(self._objects.get(mask), list):
                self._check_drawn(mask, f"the mask of {name}", resources)

    def _check_picture(self, picture: Stream, name: str) -> None:
        number = self._objects.number
        height, row = number(picture, "/Height"), self._row_bytes(picture)
        data, filters = picture.encoded, self._filters(picture)
        is_whole = False
        for index, (kind, parameters) in enumerate(filters):
            is_last = index == len(filters) - 1
            # A predictor of PNG is a byte in front of each row.
            row += number(parameters, "/Predictor") >= 10
            if kind == "/FlateDecode":
                data = _inflate(data, row * height if is_last else _MOST_BYTES)
                continue
            if kind == "/ASCIIHexDecode":
                data = _from_hex(data)
                continue
            if kind in _COMPRESSIONS and is_last and number(parameters, "/EarlyChange", 1):
                is_whole = _decode(_COMPRESSIONS[kind], 8, row, height, data) is not None
            elif kind == "/CCITTFaxDecode" and number(parameters, "/K") < 0:
                is_aligned = self._objects.get(parameters.get("/EncodedByteAlign")) == b"true"
                columns = number(parameters, "/Columns", 1728)
                rows = number(parameters, "/Rows") or height
                is_whole = is_aligned or _is_whole_fax(data, columns, rows)
            elif kind == "/DCTDecode":
                is_whole = _JPEG_END in data[-_SPARE_BYTES:]
            elif kind == "/JBIG2Decode":
                shared = parameters.get("/JBIG2Globals")
                has_shared = shared is None or isinstance(self._objects.get(shared), Stream)
                is_whole = has_shared and _is_whole_jbig2(data)
            elif kind == "/ASCII85Decode":
                is_whole = data.rstrip().endswith(b"~>")
            else:
                is_whole = bool(data)
            break
        else:
            is_whole = len(data) >= row * height > 0
        if not is_whole:
            raise Damaged(f"the picture {name} is incomplete")

    def _row_bytes(self, picture: Stream) -> int:
        is_mask = self._objects.get(picture.get("/ImageMask")) == b"true"
        bits = 1 if is_mask else self._objects.number(picture, "/BitsPerComponent", 1)
        space = [*self._objects.items(picture.get("/ColorSpace")), None, None]
        kind = self._objects.get(space[0])
        components = _COMPONENTS.get(kind, 1)
        if kind == "/ICCBased":
            components = self._objects.number(self._objects.entries(space[1]), "/N", 1)
        elif kind == "/DeviceN":
            components = len(self._objects.items(space[1]))
        return -(-self._objects.number(picture, "/Width") * bits * components // 8)


def _inflate(data: bytes, most: int) -> bytes:
    """Decompress up to `most` bytes; raise `Damaged` if they end too early."""
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(data, max(1, most))
        # A checksum follows the last byte.
        inflater.decompress(inflater.unconsumed_tail, _SPARE_BYTES)
    except zlib.error as error:
        raise Damaged("compressed data is damaged") from error
    if len(content) < most and not inflater.eof:
        raise Damaged("compressed data is cut off")
    return content


def _from_hex(data: bytes) -> bytes:
    try:
        return bytes.fromhex(data.rstrip(b"> \t\r\n").decode())
    except ValueError as error:
        raise Damaged("hexadecimal data is damaged") from error


def _is_whole_jbig2(data: bytes) -> bool:
    """Tell whether the last segment ends within `data` (ITU-T T.88, 7.2)."""
    at = 0
    while len(data) - at >= _SHORTEST_SEGMENT:
        number, flags, count = int.from_bytes(data[at : at + 4]), data[at + 4], data[at + 5] >> 5
        at += 6
        if count == 7:
            count = int.from_bytes(data[at - 1 : at + 3]) & 0x1FFFFFFF
            at += 3 + (count + 8) // 8
        at += count * (1 if number <= 256 else 2 if number <= 65536 else 4)
        at += 4 if flags & 0x40 else 1
        length = int.from_bytes(data[at : at + 4])
        at += 4 + (0 if length == _UNKNOWN_LENGTH else length)
    return 0 < at <= len(data)


def _is_whole_fax(data: bytes, columns: int, rows: int) -> bool:
    """Tell whether `data` in CCITT's group 4 has all rows.

    libtiff leaves rows white that are missing or damaged. Encoded again, the picture is then much
    shorter than `data`.
    """
    image = _decode(_GROUP_4, 1, columns, rows, data)
    if image is None:
        return False
    again = BytesIO()
    image.save(again, "TIFF", compression="group4")
    tail = data.rstrip(b"\0")[-_SPARE_BYTES:]
    has_end = _FAX_END in f"{int.from_bytes(tail):0{8 * _SPARE_BYTES}b}"
    return has_end and again.tell() + 100 > 0.95 * len(data)


def _decode(compression: int, bits: int, width: int, height: int, data: bytes) -> Any:  # noqa: ANN401
    """Decode `data` as the only strip of a TIFF, to an Image; return None if it is too short."""
    from PIL import Image  # noqa: PLC0415 - few PDFs need it

    tags = {256: width, 257: height, 258: bits, 259: compression, 262: 1, 273: 8}
    tags |= {277: 1, 278: height, 279: len(data)}
    data += bytes(len(data) % 2)
    directory = b"".join(struct.pack("<HHLL", tag, _LONG, 1, tags[tag]) for tag in tags)
    start = struct.pack("<L", 8 + len(data))
    file = b"II*\0" + start + data + struct.pack("<H", len(tags)) + directory + bytes(4)
    try:
        image = Image.open(BytesIO(file), formats=("TIFF",))
        image.load()
    except (OSError, SyntaxError, ValueError):
        # Anything else that Pillow raises ends this process, and the file is refused too.
        return None
    return image
