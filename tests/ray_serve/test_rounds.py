"""Reloads in several replicas: one at a time."""

import pytest

from service.lifecycle import ReloadInProgress
from service.ray_serve.reloads import Rounds


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
