"""The client for programs with an event loop."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
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
from numeral_client.connection import AsyncConnection, Timeout
from numeral_client.feedback_calls import Right
from numeral_client.images import Image, Images, Item, Several
from numeral_client.kept import KeptFeedback, KeptPrediction
from numeral_client.reader_cards import ModelList, ReaderDetail
from numeral_client.retry import ONCE, Retry
from numeral_client.stream import IMAGES_PER_REQUEST, Stream
from numeral_client.wishes import DigitWish, FieldWish

AsyncSeveral = AsyncIterable[Image | Item]


class AsyncClient:
    """As `Client`, for asyncio: its methods, their arguments, answers and errors are the same.

        async with AsyncClient("http://127.0.0.1:8000") as numeral:
            answers = await asyncio.gather(*map(numeral.predict, ["1.png", "2.png"]))

    Files are read and images encoded in threads, beside the event loop. Streams take asynchronous
    iterables as well.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout: Timeout = 30.0,
        retry: Retry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Call the service at `url`; the arguments are those of `Client`."""
        self._to = AsyncConnection(url, api_key, timeout, retry, transport)

    async def predict(self, image: Image, **wish: Unpack[DigitWish]) -> Prediction:
        """As `Client.predict`."""
        return await self._to.run(await asyncio.to_thread(calls.predict, image, wish))

    async def predict_batch(
        self, images: Images, **wish: Unpack[DigitWish]
    ) -> list[BatchPrediction | BatchFailure]:
        """As `Client.predict_batch`."""
        return await self._to.run(await asyncio.to_thread(calls.predict_batch, images, wish))

    def predict_stream(
        self,
        images: Several | AsyncSeveral,
        *,
        images_per_request: int = IMAGES_PER_REQUEST,
        **wish: Unpack[DigitWish],
    ) -> AsyncIterator[BatchPrediction | BatchFailure]:
        """As `Client.predict_stream`."""
        stream = Stream("/predict/batch", wish, BatchPrediction, images_per_request)
        return self._answers(stream, images)

    async def fields(self, image: Image, **wish: Unpack[FieldWish]) -> ReadField:
        """As `Client.fields`."""
        return await self._to.run(await asyncio.to_thread(calls.fields, image, wish))

    async def fields_batch(
        self, images: Several, **wish: Unpack[FieldWish]
    ) -> list[BatchField | BatchFailure]:
        """As `Client.fields_batch`."""
        return await self._to.run(await asyncio.to_thread(calls.fields_batch, images, wish))

    def fields_stream(
        self,
        images: Several | AsyncSeveral,
        *,
        images_per_request: int = IMAGES_PER_REQUEST,
        **wish: Unpack[FieldWish],
    ) -> AsyncIterator[BatchField | BatchFailure]:
        """As `Client.fields_stream`."""
        stream = Stream("/fields/batch", wish, BatchField, images_per_request)
        return self._answers(stream, images)

    async def models(self) -> ModelList:
        """As `Client.models`."""
        return await self._to.run(calls.models())

    async def model(self, name: str) -> ModelDetail | ReaderDetail:
        """As `Client.model`."""
        return await self._to.run(calls.model(name))

    async def feedback(self, request_id: str, **right: Unpack[Right]) -> KeptFeedback:
        """As `Client.feedback`."""
        return await self._to.run(feedback_calls.feedback(request_id, right))

    async def reviews(self, limit: int = 50) -> tuple[KeptPrediction, ...]:
        """As `Client.reviews`."""
        return await self._to.run(feedback_calls.reviews(limit))

    async def picture(self, review: KeptPrediction) -> bytes:
        """As `Client.picture`."""
        return await self._to.run(feedback_calls.picture(review))

    async def health(self) -> Health:
        """As `Client.health`."""
        return await self._to.run(calls.health(), ONCE)

    async def close(self) -> None:
        """Close the connections."""
        await self._to.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _answers(
        self, stream: Stream[Read], images: Several | AsyncSeveral
    ) -> AsyncIterator[Read | BatchFailure]:
        async for image in _each(images):
            await asyncio.to_thread(stream.add, image)
            while stream.full:
                for answer in stream.take(await self._to.run(stream.call())):
                    yield answer
        while stream.waiting:
            for answer in stream.take(await self._to.run(stream.call())):
                yield answer


async def _each(images: Several | AsyncSeveral) -> AsyncIterator[Image | Item]:
    if isinstance(images, AsyncIterable):
        async for image in images:
            yield image
    else:
        for image in images:
            yield image
