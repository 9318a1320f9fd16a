"""Reloads in several replicas: one at a time."""

import asyncio

import pytest

from service.errors import ReloadFailed, ReloadInProgress
from service.lifecycle import Served
from service.ray_serve.reloads import Rounds, reload_everywhere


def test_a_replica_takes_part_in_one_reload_at_a_time():
    rounds = Rounds()
    rounds.begin("first")

    with pytest.raises(ReloadInProgress):
        rounds.begin("second")

    assert rounds.end("first")
    rounds.begin("second")


def test_a_reload_that_a_replica_took_no_part_in_ends_nothing():
    rounds = Rounds()
    rounds.begin("first")

    assert not rounds.end("second")
    with pytest.raises(ReloadInProgress):
        rounds.begin("second")


def test_a_reload_whose_leader_has_died_is_forgotten(monkeypatch):
    rounds = Rounds()
    rounds.begin("first")

    monkeypatch.setattr("service.ray_serve.reloads.time.monotonic", lambda: float("inf"))

    rounds.begin("second")


class DyingReplicas:
    """Prepare, and then answer no more."""

    def __init__(self, prepared):
        self._prepared = prepared
        self._method = ""

    def broadcast(self, method, _round_id):
        self._method = method
        return self

    async def results_async(self, timeout_s):
        if self._method == "prepare":
            return [self._prepared]
        raise RuntimeError("the replica has ended")


def test_a_reload_that_breaks_off_as_it_is_adopted_is_logged(caplog):
    with pytest.raises(ReloadFailed, match="has ended"):
        asyncio.run(reload_everywhere(DyingReplicas(Served("cnn", (), 1))))

    assert "workers may serve different models" in caplog.text


def test_why_a_reload_failed_is_told_though_a_replica_has_ended_meanwhile(caplog):
    with pytest.raises(ReloadFailed, match="no such model"):
        asyncio.run(reload_everywhere(DyingReplicas(ReloadFailed("no such model"))))

    assert "no such model" in caplog.text
