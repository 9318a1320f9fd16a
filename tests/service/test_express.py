"""Plain requests on the express: what takes it, and what is answered, counted and held up."""

import asyncio
import json
from types import SimpleNamespace
from unittest import mock

import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from uvicorn.server import ServerState

from service.api.held import HeldBytes
from service.engine import Engine
from service.lifecycle import Lifecycle
from service.metrics.events import Metrics
from service.processes.connection import Connection as HttpConnection
from service.processes.express import Express
from service.settings import Settings
from tests.service.test_plain import request

FORM = "multipart/form-data; boundary=x"


class Connection:
    """Takes the place of a connection: keeps what it is to send."""

    client = ("127.0.0.1", 1)
    scope = None

    def __init__(self):
        self.sent = b""
        self.closed = self.complete = False
        self.transport = SimpleNamespace(write=self._write, close=self._close)
        self.server_state = SimpleNamespace(default_headers=[(b"date", b"today")], tasks=set())

    def stop_timer(self):
        pass

    def set_out(self, trip):
        self.trip = trip

    def on_response_complete(self):
        self.complete = True

    def _write(self, data):
        self.sent += data

    def _close(self):
        self.closed = True

    @property
    def status(self):
        return int(self.sent.split()[1])

    @property
    def answer(self):
        return json.loads(self.sent.partition(b"\r\n\r\n")[2])

    @property
    def headers(self):
        lines = self.sent.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return dict(line.split(": ", 1) for line in lines)


def form(picture):
    disposition = b'Content-Disposition: form-data; name="file"; filename="a.png"'
    return b"--x\r\n%b\r\n\r\n%b\r\n--x--\r\n" % (disposition, picture)


def test_a_picture_is_read(seven):
    connection = _answered(request(seven, "?model=cnn"))

    assert connection.status == 200
    assert connection.complete
    assert not connection.closed
    assert connection.answer["digit"] == 7
    assert connection.answer["model"] == "cnn"
    assert connection.headers["x-request-id"] == "Mine.1"
    assert connection.headers["date"] == "today"
    assert connection.headers["x-content-type-options"] == "nosniff"


def test_the_file_of_a_form_is_read(seven):
    assert _answered(request(form(seven), Content_Type=FORM)).answer["digit"] == 7


def test_a_picture_that_cannot_be_read_is_told_so(seven):
    connection = _answered(request(seven[:60] + bytes(len(seven) - 76) + seven[-16:]))

    assert connection.status == 422
    assert connection.answer["type"] == "/problems/unreadable-image"
    assert connection.answer["request_id"] == "Mine.1"


@pytest.mark.parametrize(
    "data",
    [
        request(b""),
        request(b"no picture"),
        request(query="?model=none"),
        request(query="?colour=blue"),
        request(b"--x--\r\n", Content_Type=FORM),
        request(b"no form", Content_Type=FORM),
        request(form(b"") + form(b""), Content_Type=FORM),
        request(Connection="close"),
    ],
)
def test_where_something_is_wrong_the_framework_says_what(data):
    assert not _run(lambda express, _: _takes(express, data))


def test_large_pictures_go_the_way_that_has_threads(draw):
    assert not _run(lambda express, _: _takes(express, request(draw(7, side=1500))))


@pytest.mark.parametrize(
    "settings", [{"max_body_bytes": 10}, {"api_keys_file": "keys"}, {"tracing": True}]
)
def test_who_must_be_asked_or_traced_or_is_too_large_does_not_take_it(seven, settings):
    assert not _run(lambda express, _: _takes(express, request(seven)), **settings)


def test_a_service_that_stops_takes_nobody_more(seven):
    async def scenario(express, _):
        express._lifecycle.draining = True
        return express.takes(request(seven), Connection())

    assert not _run(scenario)


def test_a_full_queue_refuses(seven):
    async def scenario(express, metrics):
        connections = [Connection() for _ in range(3)]
        for connection in connections:
            assert express.takes(request(seven), connection)
        await asyncio.sleep(0.2)
        metrics.flush()
        return connections

    first, second, third = _run(scenario, queue_size=2)

    assert [first.status, second.status, third.status] == [200, 200, 503]
    assert third.answer["request_id"] == third.headers["x-request-id"] == "Mine.1"
    assert third.answer["type"] == "/problems/queue-full"
    assert int(third.headers["retry-after"]) > 0


def test_bodies_past_what_all_may_hold_go_the_way_that_says_so(seven):
    async def scenario(express, _):
        first, second = Connection(), Connection()
        taken = [express.takes(request(seven), each) for each in (first, second)]
        await asyncio.sleep(0.2)
        return [*taken, express.takes(request(seven), Connection())]

    assert _run(scenario, max_total_body_bytes=len(seven) + 1) == [True, False, True]


def test_a_caller_who_leaves_is_not_read(seven):
    async def scenario(express, metrics):
        connection = Connection()
        assert express.takes(request(seven), connection)
        connection.trip.give_up()
        await asyncio.sleep(0.2)
        metrics.flush()
        return connection, metrics

    connection, metrics = _run(scenario)

    assert connection.sent == b""
    assert connection.server_state.tasks == set()
    labels = {"method": "POST", "route": "/predict", "status": "499"}
    assert metrics.registry.get_sample_value("numeral_requests_total", labels) == 1
    assert metrics.in_flight == 0


def test_what_is_given_up_at_the_end_is_told_so(seven):
    async def scenario(express, _):
        connection = Connection()
        assert express.takes(request(seven), connection)
        [task] = connection.server_state.tasks
        task.cancel()
        await asyncio.sleep(0.2)
        return connection

    connection = _run(scenario)

    assert connection.status == 503
    assert connection.answer["type"] == "/problems/stopping"


def test_a_connection_that_is_to_close_is_closed_after_the_answer(seven):
    async def scenario(express, _):
        connection = Connection()
        express.takes(request(seven), connection)
        connection.trip.keep_alive = False
        await asyncio.sleep(0.2)
        return connection

    connection = _run(scenario)

    assert connection.status == 200
    assert connection.headers["connection"] == "close"
    assert connection.closed


def test_a_fault_is_answered_and_logged(seven, monkeypatch, caplog):
    monkeypatch.setattr("service.processes.express.to_json", lambda _: 1 / 0)

    connection = _answered(request(seven))

    assert connection.status == 500
    assert connection.answer["request_id"] == "Mine.1"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("more", [{}, {"Origin": "https://forms.example"}])
def test_who_does_not_read_answers_is_sent_no_more(seven, more):
    async def scenario(express, _):
        sent = []
        transport = mock.MagicMock(write=sent.append, is_closing=lambda: False)
        config = uvicorn.Config(_answers_nothing, log_config=None, ws="none", lifespan="off")
        config.load()
        connection = HttpConnection(
            express, seconds=30, config=config, server_state=ServerState(), app_state={}
        )
        connection.connection_made(transport)
        connection.pause_writing()
        for _ in range(5):
            connection.data_received(request(seven, **more))
            await asyncio.sleep(0.02)
        before = len(sent)
        connection.resume_writing()
        await asyncio.sleep(0.2)
        return before, len(sent)

    before, after = _run(scenario)

    assert before == 0
    assert after > 0


async def _answers_nothing(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def _takes(express, data):
    return express.takes(data, Connection())


def _answered(data, **settings):
    async def scenario(express, _):
        connection = Connection()
        assert express.takes(data, connection)
        await asyncio.wait_for(_complete(connection), 10)
        return connection

    return _run(scenario, **settings)


async def _complete(connection):
    while not connection.complete:
        await asyncio.sleep(0.01)


def _run(scenario, **values):
    async def run():
        settings = Settings(**values)
        metrics = Metrics(CollectorRegistry())
        async with Engine(settings, metrics) as engine:
            await engine.models.load()
            state = {
                "engine": engine,
                "settings": settings,
                "lifecycle": Lifecycle(),
                "ledger": None,
                "held": HeldBytes(settings.max_total_body_bytes),
                "exposition": SimpleNamespace(metrics=metrics),
            }
            return await scenario(Express(state), metrics)

    return asyncio.run(run())
