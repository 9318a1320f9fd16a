"""What a caller does who gives feedback, and what is to be seen of it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.running import RunningService


def predict(service: RunningService, picture: bytes, **query: object) -> str:
    """Have a picture read; the id of the request."""
    answer = httpx.post(f"{service.url}/predict", content=picture, params=query)
    assert answer.status_code == 200
    return answer.headers["X-Request-ID"]


def feedback(service: RunningService, request_id: str, **body: object) -> httpx.Response:
    """Say what is right."""
    body = {"request_id": request_id} | body
    return httpx.post(f"{service.url}/feedback", json=body, timeout=30)


def rows(file: Path) -> int:
    """How many predictions a database in a file holds."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as seen:
        return seen.execute("SELECT count(*) FROM numeral_predictions").fetchone()[0]


def metric(service: RunningService, name: str, **labels: str) -> float:
    """The value of a metric; 0 before its first event."""
    text = httpx.get(f"{service.url}/metrics").text
    values = (
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    )
    return next(values, 0.0)
