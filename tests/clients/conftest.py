"""A service that reads digits and fields, and both clients."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from numeral_client import AsyncClient, Client
from tests.conftest import copy_models
from tests.e2e.running import run_service
from tests.strips import publish_reader


@pytest.fixture(scope="package")
def reading_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of `numeral serve` with the published models, a reader of bars and feedback."""
    pytest.importorskip("onnx")
    pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")
    folder = tmp_path_factory.mktemp("reading")
    publish_reader(copy_models(folder))
    database = f"sqlite:///{folder}/feedback.db"
    with run_service(folder, models_dir=folder, feedback_database=database) as service:
        service.wait_until_ready()
        yield service.url


class Blocking:
    """An `AsyncClient` with the blocking interface of `Client`."""

    def __init__(self, runner: asyncio.Runner, client: AsyncClient) -> None:
        self._runner = runner
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., object]:
        return partial(self._call, getattr(self._client, name))

    def _call(self, method, *arguments, **options):
        result = method(*arguments, **options)
        return self._iterate(result) if hasattr(result, "__aiter__") else self._runner.run(result)

    def _iterate(self, answers):
        while (answer := self._runner.run(anext(answers, None))) is not None:
            yield answer


@pytest.fixture(params=["Client", "AsyncClient"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Client | Blocking]]:
    """Creates a client of either kind, and closes it after the test."""
    with ExitStack() as stack:

        def connected(url: str = "http://numeral", **options: object) -> Client | Blocking:
            if request.param == "Client":
                return stack.enter_context(Client(url, **options))
            runner = stack.enter_context(asyncio.Runner())
            client = Blocking(runner, AsyncClient(url, **options))
            stack.callback(client.close)
            return client

        yield connected


@pytest.fixture
def numeral(connect: Callable[..., Client | Blocking], reading_server: str) -> Client | Blocking:
    """A client of the service, of either kind."""
    return connect(reading_server)


@pytest.fixture
def digit_files(tmp_path: Path, draw: Callable[..., bytes]) -> list[Path]:
    """The files 0.png to 9.png, each with its digit."""
    files = [tmp_path / f"{digit}.png" for digit in range(10)]
    for digit, file in enumerate(files):
        file.write_bytes(draw(digit))
    return files
