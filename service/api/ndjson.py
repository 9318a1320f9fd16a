"""Lines of JSON: a body cut into them as it comes, and the items in them."""

from io import BytesIO

from service.api.errors import BatchTooLarge, LineTooLong
from service.api.item import Item
from service.api.json_batch import parse_line
from service.api.negotiation import NDJSON

Line = bytes | LineTooLong


def parse_lines(body: bytes, *, max_batch: int) -> list[Item]:
    """The items of `body`, one to a line; blank lines are skipped.

    Raises:
        BatchTooLarge: there are more than `max_batch`.
    """
    items: list[Item] = []
    for line in filter(bytes.strip, BytesIO(body)):
        if len(items) == max_batch:
            raise BatchTooLarge(
                f"the batch holds more than {max_batch} images; send it in parts, or with Accept:"
                f" {NDJSON}, which takes any number"
            )
        items.append(parse_line(line))
    return items


def item_of(line: Line) -> Item:
    """What `line` brings."""
    return Item(None, line) if isinstance(line, LineTooLong) else parse_line(line)


class Lines:
    r"""Cuts a body into lines as it comes.

        lines = Lines(max_bytes=16)
        lines.feed(b'"eA=="\n"eQ=') + lines.feed(b'="') + lines.end()

    Blank lines are skipped. One that is longer than `max_bytes` becomes an error and is not kept.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self.unfinished = 0  # bytes of the line that has not ended
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._too_long = False

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that end in `chunk`."""
        *ends, rest = chunk.split(b"\n")
        lines: list[Line] = []
        for piece in ends:
            self._add(piece)
            lines += self.end()
        self._add(rest)
        return lines

    def end(self) -> list[Line]:
        """The last line, where no line break ended it."""
        line = b"".join(self._pieces)
        too_long = self._too_long
        self._pieces, self.unfinished, self._too_long = [], 0, False
        if too_long:
            return [
                LineTooLong(
                    f"the line has more than {self._max_bytes} bytes; send a smaller picture"
                )
            ]
        return [line] if line and not line.isspace() else []

    def _add(self, piece: bytes) -> None:
        if self._too_long or not piece:
            return
        if self.unfinished + len(piece) > self._max_bytes:
            self._pieces, self.unfinished, self._too_long = [], 0, True
            return
        self._pieces.append(piece)
        self.unfinished += len(piece)
