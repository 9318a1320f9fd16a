"""The two clients: `Client` for threads, `AsyncClient` for asyncio."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from itertools import count
from typing import Self, TypeVar, Unpack

import httpx

from numeral_client.base import (
    IMAGES_PER_REQUEST,
    BaseClient,
    BatchItem,
    Call,
    Reply,
    Stream,
    Timeout,
    unreachable,
)
from numeral_client.cards import ModelDetail, ModelList, ReaderDetail
from numeral_client.errors import NumeralError
from numeral_client.images import Image, Images, Item, Several
from numeral_client.retry import ONCE, Retry
from numeral_client.schemas import (
    BatchFailure,
    BatchField,
    BatchPrediction,
    Correction,
    DigitOptions,
    FieldOptions,
    Health,
    KeptFeedback,
    KeptPrediction,
    Prediction,
    ReadField,
    Review,
)

T = TypeVar("T")
AsyncSeveral = AsyncIterable[Image | Item]


class Client(BaseClient):
    """Calls the service; threads may share one, and it reuses its connections.

        with Client("http://127.0.0.1:8000") as numeral:
            answer = numeral.predict("digit.png", max_error=0.001)
            if answer.accepted:
                print(answer.digit)

    An image is the bytes of a file, its path, an open file, or a uint8 array of NumPy. Methods that
    read images take the options `model`, `max_error`, `page` and `request_id`; those for digits
    also `preprocess`, those for fields `length`, `min_length`, `max_length`, `checksum`, `format`,
    `decimal`, `order` and `expected`.

    Every method raises a `NumeralError`: `ProblemError`, with a subclass for each kind of problem
    in `numeral_client.errors`, `Unreachable`, `UnexpectedAnswer` or `UnusableImage`; and OSError
    if a file cannot be read.
    """

    _http: httpx.Client

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout: Timeout = 30.0,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Create a client of the service at `url`.

        Args:
            url: address of the service with its scheme, and its path prefix behind a proxy.
            api_key: key from `numeral keys create`.
            timeout: seconds to connect, and for each pause while sending or receiving.
            retry: when calls are repeated; `Retry(attempts=1)` never repeats.
            transport: transport of httpx, for proxies and custom certificates.

        Raises:
            ValueError: `url` has no scheme or no host.
        """
        super().__init__(url, api_key, timeout, retry)
        self._http = httpx.Client(transport=transport, **self._http_options)

    def predict(self, image: Image, **options: Unpack[DigitOptions]) -> Prediction:
        """Read one digit."""
        return self._run(self._predict(image, options))

    def predict_batch(
        self, images: Images, **options: Unpack[DigitOptions]
    ) -> list[BatchPrediction | BatchFailure]:
        """Read several digits, one in each image, in one request.

        An image that cannot be read gives a `BatchFailure` at its place. The service limits the
        size of a batch; `predict_stream` takes any number of images.

        Args:
            images: images, `Item`s for those with an id, or an array uint8 [N, height, width].
            options: apply to all images.
        """
        return self._run(self._predict_batch(images, options))

    def predict_stream(
        self,
        images: Several,
        *,
        images_per_request: int = IMAGES_PER_REQUEST,
        **options: Unpack[DigitOptions],
    ) -> Iterator[BatchPrediction | BatchFailure]:
        """Read any number of digits, and yield the answers in order.

        Takes images only as answers are consumed, and holds at most `images_per_request` of them.
        `index` counts from the first image of the stream.
        """
        return self._answers(self._predict_stream(options, images_per_request), images)

    def fields(self, image: Image, **options: Unpack[FieldOptions]) -> ReadField:
        """Read a field of several digits: an amount, a ZIP code, an account number."""
        return self._run(self._fields(image, options))

    def fields_batch(
        self, images: Several, **options: Unpack[FieldOptions]
    ) -> list[BatchField | BatchFailure]:
        """Read several fields, one in each image; an unreadable one gives a `BatchFailure`."""
        return self._run(self._fields_batch(images, options))

    def fields_stream(
        self,
        images: Several,
        *,
        images_per_request: int = IMAGES_PER_REQUEST,
        **options: Unpack[FieldOptions],
    ) -> Iterator[BatchField | BatchFailure]:
        """Read any number of fields, as `predict_stream` reads digits."""
        return self._answers(self._fields_stream(options, images_per_request), images)

    def models(self) -> ModelList:
        """List the models: size, accuracy, and read rate at each error rate."""
        return self._run(self._models())

    def model(self, name: str) -> ModelDetail | ReaderDetail:
        """Return the full card of a digit model or a field reader."""
        return self._run(self._model(name))

    def feedback(self, request_id: str, **correction: Unpack[Correction]) -> KeptFeedback:
        """Send the right answer for a picture that was read, whether the reading was right or not.

        The first answer stays: sending it again is allowed, another one raises
        `AnsweredOtherwise`.

        Args:
            request_id: of the reading.
            correction: `digit=7` or `text="1801"`, None if the picture shows nothing, or
                `skip=True` if nobody can read it; for a batch also `index` or `id`, for a stream
                `id` (its `index` counts across requests).
        """
        return self._run(self._feedback(request_id, correction))

    def reviews(self, limit: int = 50) -> tuple[Review, ...]:
        """List what waits for a person, the newest first; requires a key with the role `admin`."""
        return self._run(self._reviews(limit))

    def picture(self, review: KeptPrediction) -> bytes:
        """Return the picture of a review as PNG, as the model saw it.

        Raises:
            ValueError: the service does not store pictures.
        """
        return self._run(self._picture(review))

    def health(self) -> Health:
        """Return whether the service is ready; never repeated.

        Raises:
            Unreachable: nothing answers.
        """
        return self._run(self._health(), ONCE)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answers(
        self, stream: Stream[BatchItem], images: Several
    ) -> Iterator[BatchItem | BatchFailure]:
        for image in images:
            stream.add(image)
            while stream.full:
                yield from stream.take(self._run(stream.call()))
        while stream:
            yield from stream.take(self._run(stream.call()))

    def _run(self, call: Call[T], retry: Retry | None = None) -> T:
        for attempt in count(1):
            try:
                return call.result(self._send(call))
            except NumeralError as error:
                seconds = (retry or self._retry).wait(attempt, error)
                if seconds is None:
                    raise
            time.sleep(seconds)
        raise AssertionError("the loop ends by return or raise")

    def _send(self, call: Call[T]) -> Reply:
        try:
            response = self._http.send(call.request, stream=True)
        except httpx.TransportError as error:
            raise unreachable(error, call.request_id) from error
        reply = Reply(response)
        try:
            for chunk in response.iter_bytes():
                reply.chunks.append(chunk)
        except httpx.TransportError as error:
            reply.broken = error
        finally:
            response.close()
        return reply


class AsyncClient(BaseClient):
    """`Client` for asyncio: the same methods, options, answers and errors.

        async with AsyncClient("http://127.0.0.1:8000") as numeral:
            answers = await asyncio.gather(*map(numeral.predict, ["1.png", "2.png"]))

    Reads files and encodes images in threads, off the event loop. Streams also take asynchronous
    iterables.
    """

    _http: httpx.AsyncClient

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout: Timeout = 30.0,
        retry: Retry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """See `Client`."""
        super().__init__(url, api_key, timeout, retry)
        self._http = httpx.AsyncClient(transport=transport, **self._http_options)

    async def predict(self, image: Image, **options: Unpack[DigitOptions]) -> Prediction:
        """See `Client.predict`."""
        return await self._run(await asyncio.to_thread(self._predict, image, options))

    async def predict_batch(
        self, images: Images, **options: Unpack[DigitOptions]
    ) -> list[BatchPrediction | BatchFailure]:
        """See `Client.predict_batch`."""
        return await self._run(await asyncio.to_thread(self._predict_batch, images, options))

    def predict_stream(
        self,
        images: Several | AsyncSeveral,
        *,
        images_per_request: int = IMAGES_PER_REQUEST,
        **options: Unpack[DigitOptions],
    ) -> AsyncIterator[BatchPrediction | BatchFailure]:
        """See `Client.predict_stream`."""
        return self._answers(self._predict_stream(options, images_per_request), images)

    async def fields(self, image: Image, **options: Unpack[FieldOptions]) -> ReadField:
        """See `Client.fields`."""
        return await self._run(await asyncio.to_thread(self._fields, image, options))

    async def fields_batch(
        self, images: Several, **options: Unpack[FieldOptions]
    ) -> list[BatchField | BatchFailure]:
        """See `Client.fields_batch`."""
        return await self._run(await asyncio.to_thread(self._fields_batch, images, options))

    def fields_stream(
        self,
        images: Several | AsyncSeveral,
        *,
        images_per_request: int = IMAGES_PER_REQUEST,
        **options: Unpack[FieldOptions],
    ) -> AsyncIterator[BatchField | BatchFailure]:
        """See `Client.fields_stream`."""
        return self._answers(self._fields_stream(options, images_per_request), images)

    async def models(self) -> ModelList:
        """See `Client.models`."""
        return await self._run(self._models())

    async def model(self, name: str) -> ModelDetail | ReaderDetail:
        """See `Client.model`."""
        return await self._run(self._model(name))

    async def feedback(self, request_id: str, **correction: Unpack[Correction]) -> KeptFeedback:
        """See `Client.feedback`."""
        return await self._run(self._feedback(request_id, correction))

    async def reviews(self, limit: int = 50) -> tuple[Review, ...]:
        """See `Client.reviews`."""
        return await self._run(self._reviews(limit))

    async def picture(self, review: KeptPrediction) -> bytes:
        """See `Client.picture`."""
        return await self._run(self._picture(review))

    async def health(self) -> Health:
        """See `Client.health`."""
        return await self._run(self._health(), ONCE)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _answers(
        self, stream: Stream[BatchItem], images: Several | AsyncSeveral
    ) -> AsyncIterator[BatchItem | BatchFailure]:
        async for image in _each(images):
            await asyncio.to_thread(stream.add, image)
            while stream.full:
                for answer in stream.take(await self._run(stream.call())):
                    yield answer
        while stream:
            for answer in stream.take(await self._run(stream.call())):
                yield answer

    async def _run(self, call: Call[T], retry: Retry | None = None) -> T:
        for attempt in count(1):
            try:
                return call.result(await self._send(call))
            except NumeralError as error:
                seconds = (retry or self._retry).wait(attempt, error)
                if seconds is None:
                    raise
            await asyncio.sleep(seconds)
        raise AssertionError("the loop ends by return or raise")

    async def _send(self, call: Call[T]) -> Reply:
        try:
            response = await self._http.send(call.request, stream=True)
        except httpx.TransportError as error:
            raise unreachable(error, call.request_id) from error
        reply = Reply(response)
        try:
            async for chunk in response.aiter_bytes():
                reply.chunks.append(chunk)
        except httpx.TransportError as error:
            reply.broken = error
        finally:
            await response.aclose()
        return reply


async def _each(images: Several | AsyncSeveral) -> AsyncIterator[Image | Item]:
    if isinstance(images, AsyncIterable):
        async for image in images:
            yield image
    else:
        for image in images:
            yield image
