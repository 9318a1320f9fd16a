"""The client for programs that wait for their answers."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self, Unpack

import httpx

from numeral_client import calls, feedback_calls
from numeral_client.answers import (
    BatchFailure,
    BatchField,
    BatchPrediction,
    Health,
    Prediction,
    ReadField,
)
from numeral_client.calls import Read
from numeral_client.cards import ModelDetail
from numeral_client.connection import Connection, Timeout
from numeral_client.feedback_calls import Right
from numeral_client.images import Image, Images, Several
from numeral_client.kept import KeptFeedback, KeptPrediction
from numeral_client.reader_cards import ModelList, ReaderDetail
from numeral_client.retry import ONCE, Retry
from numeral_client.stream import IMAGES_PER_REQUEST, Stream
from numeral_client.wishes import DigitWish, FieldWish


class Client:
    """Calls the service; one may be shared by threads, and keeps its connections.

        with Client("http://127.0.0.1:8000") as numeral:
            answer = numeral.predict("digit.png", max_error=0.001)
            if answer.accepted:
                print(answer.digit)

    An image is the bytes of a file, its path, an open file, or a uint8 array of NumPy. Every method
    that reads images takes `model`, `max_error` and `request_id`; those for digits `preprocess`,
    those for fields `length`, `min_length`, `max_length` and `checksum`.

    Every method raises a `NumeralError`: `ProblemError`, with a class for each kind of problem in
    `numeral_client.errors`, `Unreachable`, `UnexpectedAnswer` or `UnusableImage`; and OSError where
    a file cannot be read.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout: Timeout = 30.0,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Call the service at `url`.

        Args:
            url: where the service is, with the path's beginning if a proxy gives it one.
            api_key: what `numeral keys create` showed.
            timeout: seconds for a connection, and for each pause within a request or its answer.
            retry: when a call is made again; `Retry(attempts=1)` for never.
            transport: of httpx, for proxies and certificates of your own.
        """
        self._to = Connection(url, api_key, timeout, retry, transport)

    def predict(self, image: Image, **wish: Unpack[DigitWish]) -> Prediction:
        """Read one digit."""
        return self._to.run(calls.predict(image, wish))

    def predict_batch(
        self, images: Images, **wish: Unpack[DigitWish]
    ) -> list[BatchPrediction | BatchFailure]:
        """Read several digits, one to an image, in one request.

        An image that cannot be read is a `BatchFailure` in its place. The service limits how many
        images a batch holds; `predict_stream` takes any number.

        Args:
            images: images, `Item`s for those with an id, or an array uint8 [N, height, width].
            wish: how to read all of them.
        """
        return self._to.run(calls.predict_batch(images, wish))

    def predict_stream(
        self,
        images: Several,
        *,
        images_per_request: int = IMAGES_PER_REQUEST,
        **wish: Unpack[DigitWish],
    ) -> Iterator[BatchPrediction | BatchFailure]:
        """Read any number of digits, and give each answer in turn.

        `images` is asked for the next one only when answers have been taken, and no more than
        `images_per_request` are held. An answer's `index` counts from the first of them.
        """
        stream = Stream("/predict/batch", wish, BatchPrediction, images_per_request)
        return self._answers(stream, images)

    def fields(self, image: Image, **wish: Unpack[FieldWish]) -> ReadField:
        """Read a field of several digits: an amount, a ZIP code, an account number."""
        return self._to.run(calls.fields(image, wish))

    def fields_batch(
        self, images: Several, **wish: Unpack[FieldWish]
    ) -> list[BatchField | BatchFailure]:
        """Read several fields, one to an image; one that cannot be read is a `BatchFailure`."""
        return self._to.run(calls.fields_batch(images, wish))

    def fields_stream(
        self,
        images: Several,
        *,
        images_per_request: int = IMAGES_PER_REQUEST,
        **wish: Unpack[FieldWish],
    ) -> Iterator[BatchField | BatchFailure]:
        """Read any number of fields, as `predict_stream` does digits."""
        stream = Stream("/fields/batch", wish, BatchField, images_per_request)
        return self._answers(stream, images)

    def models(self) -> ModelList:
        """Compare the models: size, accuracy, and what is accepted at which error rate."""
        return self._to.run(calls.models())

    def model(self, name: str) -> ModelDetail | ReaderDetail:
        """Everything that is known of a model, or of a reader of fields."""
        return self._to.run(calls.model(name))

    def feedback(self, request_id: str, **right: Unpack[Right]) -> KeptFeedback:
        """Say what is right for a picture that was read, whether it was read rightly or not.

        The first word stays: the same may be said again, anything else is `AnsweredOtherwise`.

        Args:
            request_id: of the answer.
            right: `digit=7` or `text="1801"`; None where nothing is to be seen. Of a batch also
                `index` or `id`. The `index` of a stream counts through all of its requests, so
                pictures of streams are named by their `id`.
        """
        return self._to.run(feedback_calls.feedback(request_id, right))

    def reviews(self, limit: int = 50) -> tuple[KeptPrediction, ...]:
        """What waits for a person to look at, the newest first; for keys of the role `admin`."""
        return self._to.run(feedback_calls.reviews(limit))

    def picture(self, review: KeptPrediction) -> bytes:
        """The PNG of what waits, as the model saw it.

        Raises:
            ValueError: pictures are not kept.
        """
        return self._to.run(feedback_calls.picture(review))

    def health(self) -> Health:
        """Whether the service is ready; asked once only.

        Raises:
            Unreachable: nothing answers.
        """
        return self._to.run(calls.health(), ONCE)

    def close(self) -> None:
        """Close the connections."""
        self._to.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answers(self, stream: Stream[Read], images: Several) -> Iterator[Read | BatchFailure]:
        for image in images:
            stream.add(image)
            while stream.full:
                yield from stream.take(self._to.run(stream.call()))
        while stream.waiting:
            yield from stream.take(self._to.run(stream.call()))
