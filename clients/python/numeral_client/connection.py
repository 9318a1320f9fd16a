"""How a client reaches the service: it sends, and waits, and knows nothing else."""

import asyncio
import time
from typing import Any, TypeVar

import httpx

from numeral_client.exchange import Ask, Call, Flow, Outcome, Pause, Reply, flow_of
from numeral_client.retry import Retry

T = TypeVar("T")

Timeout = float | httpx.Timeout


def _options(url: str, api_key: str | None, timeout: Timeout) -> dict[str, Any]:
    """What httpx's clients are made with."""
    key = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return {"base_url": url, "timeout": timeout, "headers": {"User-Agent": "numeral-client", **key}}


def _request(http: httpx.Client | httpx.AsyncClient, ask: Ask) -> httpx.Request:
    """`ask` as a request of httpx."""
    headers = {**ask.headers, "X-Request-ID": ask.request_id}
    return http.build_request(
        ask.method, ask.path, params=ask.params, headers=headers, content=ask.content
    )


class Connection:
    """For a thread that waits."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        timeout: Timeout,
        retry: Retry | None,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self._http = httpx.Client(transport=transport, **_options(url, api_key, timeout))
        self._retry = retry or Retry()

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def run(self, call: Call[T], retry: Retry | None = None) -> T:
        """What comes of `call`, made again as `retry` has it, or as it was made for."""
        flow: Flow[T] = flow_of(call, retry or self._retry)
        outcome: Outcome = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                outcome = None
            else:
                outcome = self._send(step)

    def _send(self, ask: Ask) -> Reply | httpx.TransportError:
        try:
            response = self._http.send(_request(self._http, ask), stream=True)
        except httpx.TransportError as error:
            return error
        incoming = _Incoming(response)
        try:
            for piece in response.iter_bytes():
                incoming.pieces.append(piece)
        except httpx.TransportError as error:
            incoming.cut = error
        finally:
            response.close()
        return incoming.reply()


class AsyncConnection:
    """For an event loop."""

    def __init__(
        self,
        url: str,
        api_key: str | None,
        timeout: Timeout,
        retry: Retry | None,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._http = httpx.AsyncClient(transport=transport, **_options(url, api_key, timeout))
        self._retry = retry or Retry()

    async def close(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def run(self, call: Call[T], retry: Retry | None = None) -> T:
        """What comes of `call`, made again as `retry` has it, or as it was made for."""
        flow: Flow[T] = flow_of(call, retry or self._retry)
        outcome: Outcome = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._send(step)

    async def _send(self, ask: Ask) -> Reply | httpx.TransportError:
        try:
            response = await self._http.send(_request(self._http, ask), stream=True)
        except httpx.TransportError as error:
            return error
        incoming = _Incoming(response)
        try:
            async for piece in response.aiter_bytes():
                incoming.pieces.append(piece)
        except httpx.TransportError as error:
            incoming.cut = error
        finally:
            await response.aclose()
        return incoming.reply()


class _Incoming:
    """A reply as it comes, piece by piece; what came before it was cut is kept."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.pieces: list[bytes] = []
        self.cut: httpx.TransportError | None = None

    def reply(self) -> Reply:
        """What has come."""
        body = b"".join(self.pieces)
        return Reply(self._response.status_code, self._response.headers, body, self.cut)
