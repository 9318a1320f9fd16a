"""A batch without an end: lines, sent in requests of a bounded size, and their answers."""

from collections import deque
from collections.abc import Sequence
from typing import Generic

from numeral_client.answers import BatchFailure
from numeral_client.calls import Read, item_of, object_of, post
from numeral_client.exchange import Call, Reply, body_of, unexpected, unreachable
from numeral_client.family import ProblemError
from numeral_client.images import Image, Item, line_of
from numeral_client.problem import Problem
from numeral_client.wishes import DigitWish, FieldWish

NDJSON = "application/x-ndjson"

# httpx sends all of a request before it takes the first answer, so that one request cannot bring
# any number of images. After so many, or so many bytes, there is another.
IMAGES_PER_REQUEST = 256
_BYTES_PER_REQUEST = 8 << 20


class Stream(Generic[Read]):
    """Images on their way to one path; only those without an answer are held.

    Where a reply is cut short, what it holds counts, and the images after it are asked for again.
    """

    def __init__(
        self, path: str, wish: DigitWish | FieldWish, kind: type[Read], images: int
    ) -> None:
        """Read images as `wish` says, `images` to a request; the answers are of a `kind`."""
        if images < 1:
            raise ValueError(f"images_per_request is {images}: send at least one")
        self._path = path
        self._wish = wish
        self._kind = kind
        self._images = images
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._answered = 0

    @property
    def full(self) -> bool:
        """Whether a request should be made before more images are added."""
        return len(self._lines) >= self._images or self._bytes >= _BYTES_PER_REQUEST

    @property
    def waiting(self) -> bool:
        """Whether there are images without an answer."""
        return bool(self._lines)

    def add(self, image: Image | Item) -> None:
        """Let `image` be sent.

        Raises:
            UnusableImage: it is nothing that can be sent.
            OSError: its file cannot be read.
        """
        line = line_of(image)
        self._lines.append(line)
        self._bytes += len(line)

    def call(self) -> Call[Sequence[Read | BatchFailure]]:
        """A request with all that waits; at least one answer comes of it, or an error."""
        ask = post(self._path, self._wish, NDJSON, b"".join(self._lines), accept=NDJSON)
        return Call(ask, self._read, takes_parts=True)

    def take(self, answers: Sequence[Read | BatchFailure]) -> Sequence[Read | BatchFailure]:
        """`answers` with their place in the stream; what they answer does not wait any more."""
        first = self._answered
        for _ in answers:
            self._bytes -= len(self._lines.popleft())
        self._answered += len(answers)
        return [
            answer.model_copy(update={"index": first + place})
            for place, answer in enumerate(answers)
        ]

    def _read(self, reply: Reply) -> Sequence[Read | BatchFailure]:
        lines = body_of(reply).split(b"\n")
        # What follows the last line break is empty, or a line that was cut.
        documents = [object_of(line, reply) for line in lines[:-1]]
        items = [each for each in documents if "index" in each]
        if len(items) > len(self._lines):
            raise unexpected(reply)
        if items:
            return [item_of(self._kind, item, reply) for item in items]
        if documents:
            raise ProblemError.of(Problem.model_validate(documents[0].get("error")))
        if reply.cut:
            raise unreachable(reply.cut, reply.request_id) from reply.cut
        raise unexpected(reply)
