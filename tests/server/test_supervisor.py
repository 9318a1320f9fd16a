"""Reloads in several workers, as their supervisor arranges them."""

import pickle
from types import SimpleNamespace

import pytest

from service.errors import ReloadFailed, ReloadInProgress
from service.server.supervisor import Message, Supervisor


class Worker:
    """Records what its supervisor sends."""

    started = True

    def __init__(self) -> None:
        self.alive = True
        self.process = SimpleNamespace(is_alive=lambda: self.alive)
        self.received = []

    def send(self, message, value=None):
        self.received.append((message, pickle.loads(pickle.dumps(value))))

    def answer(self):
        """What it was told last of the reload that it asked for."""
        message, value = self.received[-1]
        assert message is Message.RELOADED
        return value


@pytest.fixture
def supervisor():
    supervisor = object.__new__(Supervisor)
    supervisor.processes = [Worker(), Worker()]
    supervisor._leader, supervisor._reloading, supervisor._failures = None, set(), []
    return supervisor


def test_of_two_reloads_at_once_the_second_is_told_that_one_is_in_progress(supervisor):
    first, second = supervisor.processes
    supervisor._handle(first, Message.RELOAD, None)
    supervisor._handle(second, Message.RELOAD, None)

    assert isinstance(second.answer(), ReloadInProgress)
    supervisor._handle(first, Message.RELOADED, None)
    assert [message for message, _ in second.received] == [Message.RELOADED, Message.RELOAD_HERE]
    supervisor._handle(second, Message.RELOADED, None)
    assert first.answer() == 2


def test_models_that_the_first_worker_cannot_use_reach_no_other(supervisor):
    first, second = supervisor.processes
    supervisor._handle(first, Message.RELOAD, None)
    supervisor._handle(first, Message.RELOADED, "no manifest")

    assert isinstance(first.answer(), ReloadFailed)
    assert str(first.answer()) == "no manifest"
    assert second.received == []


def test_a_worker_that_fails_after_the_first_is_reported(supervisor):
    first, second = supervisor.processes
    supervisor._handle(first, Message.RELOAD, None)
    supervisor._handle(first, Message.RELOADED, None)
    supervisor._handle(second, Message.RELOADED, "no memory")

    assert isinstance(first.answer(), ReloadFailed)
    assert "different models" in str(first.answer())


@pytest.mark.parametrize("asks", [True, False], ids=["the one that asked", "another"])
def test_a_worker_that_ends_leaves_no_reload_in_progress(supervisor, asks):
    first, second = supervisor.processes
    supervisor._handle(first, Message.RELOAD, None)
    if not asks:
        supervisor._handle(first, Message.RELOADED, None)
    ended = first if asks else second
    ended.alive = False
    supervisor._finish_reload(ended)

    supervisor.processes[supervisor.processes.index(ended)] = third = Worker()
    supervisor._handle(third, Message.RELOAD, None)
    assert third.received == [(Message.RELOAD_HERE, None)]
