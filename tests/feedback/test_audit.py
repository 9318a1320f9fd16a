"""The audit: people check a share of the accepted answers, and the error rate is stated."""

import base64
import json
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from service.auth.api_keys import ApiKeys, Role, new_key
from service.feedback.records import Kind, Prediction, PredictionQuery
from service.inference.decisions import Audit, Criteria, Decision, audited, decide
from service.inference.digits import Reading
from service.metrics import Metrics
from service.settings import Settings
from tests.feedback.rows import row
from tests.service.fakes import CARD

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")
from sqlalchemy import text

from service.feedback.recorder import Recorder
from service.feedback.store import Store

KEY = "a key of the tests"
MAX_ERROR = 0.001
DAY = 86_400


class Month:
    """Days of 500 accepted digits; after each, people answer the audited ones."""

    def __init__(self, store: Store, clock: list[float]) -> None:
        self._store = store
        self._clock = clock
        self._random = np.random.default_rng(7)
        self._audit = Audit(0.2, KEY.encode(), threshold=0.9)
        self._criteria = [Criteria(0.9, outlier_entropy=3.0)] * 500
        self.errors: list[int] = []

    def day(self, error_rate: float) -> None:
        """Read a day's pictures, of which about `error_rate` are read wrong, and check some."""
        labels = self._random.integers(0, 10, 500)
        is_wrong = self._random.random(500) < error_rate
        probabilities = np.eye(10, dtype=np.float32)[(labels + is_wrong) % 10]
        images = self._random.integers(0, 256, (500, 28, 28), np.uint8)
        answers = decide(probabilities, self._criteria, [()] * 500)
        answers = list(map(audited, answers, [self._audit] * 500, images))
        request_id = f"day-{len(self.errors)}"
        common = {"request_id": request_id, "caller": None, "time": self._clock[0]}
        predictions = [
            Prediction(place, None, Reading(CARD, answer, np.zeros(10, np.float32)))
            for place, answer in enumerate(answers)
        ]
        self._store.add([common | each.row(image=False) for each in predictions])
        for place, (answer, label) in enumerate(zip(answers, labels, strict=True)):
            if answer.decision is Decision.REVIEW:
                query = PredictionQuery(request_id, place)
                self._store.answer(query, Kind.DIGIT, str(label), None)
        self.errors.append(int(is_wrong.sum()))
        self._clock[0] += DAY

    def rate(self, days: int) -> float:
        """The true error rate of the last `days`."""
        return sum(self.errors[-days:]) / (500 * len(self.errors[-days:]))


def test_in_a_month_with_a_drift_the_interval_covers_the_truth_and_the_alert_fires(
    tmp_path, monkeypatch
):
    clock = [1_800_000_000.0]
    fake = SimpleNamespace(time=lambda: clock[0])
    monkeypatch.setattr("service.feedback.store.time", fake)
    store = Store(f"sqlite:///{tmp_path}/feedback.db")
    month, metrics = Month(store, clock), Metrics()
    settings = Settings(feedback=True, audit_key=KEY, audit_rate=0.2)
    recorder = Recorder(store, metrics, settings)
    metrics.serving({CARD.name: CARD.version}, defaults=[CARD.name], failed=0)

    def low() -> float:
        recorder.count_audits()
        labels = {"model": CARD.name, "kind": "digit"}
        return metrics.registry.get_sample_value("numeral_audit_error_rate_low", labels)

    for _ in range(20):
        month.day(0.0005)
    assert low() <= MAX_ERROR
    assert recorder.audit(CARD.name, CARD.version).low <= month.rate(20)
    assert recorder.audit(CARD.name, CARD.version).high >= month.rate(20)

    for _ in range(10):
        month.day(0.03)
    assert low() > MAX_ERROR
    for days in (30, 9):
        [result] = store.audits(days)
        assert result.answers == pytest.approx(100 * days, rel=0.1)
        assert result.low <= month.rate(days) <= result.high
    store.close()


def test_a_reviewer_sees_the_reading_of_an_audit_after_the_answer(app_client, tmp_path, seven):
    token, key = new_key("owner", Role.ADMIN)
    headers = {"Authorization": f"Bearer {token}"}
    client = app_client(
        ApiKeys([key]),
        feedback_database=f"sqlite:///{tmp_path}/feedback.db",
        feedback_images=True,
        audit_rate=1,
        audit_key=KEY,
    )
    client.headers.update(headers)
    read = client.post("/predict", content=seven).json()
    request_id = read["request_id"]

    assert (read["digit"], read["decision"], read["reasons"]) == (7, "review", ["audit"])
    [recorded] = client.get(f"/predictions/{request_id}").json()["predictions"]
    [review] = client.get("/reviews").json()["reviews"]
    for shown in (review, recorded):
        assert (shown["read"], shown["confidence"]) == (None, None)
        assert client.get(shown["image"]).status_code == 200

    answered = client.post("/feedback", json={"request_id": request_id, "digit": 7}).json()

    assert (answered["read"], answered["right"]) == ("7", True)
    assert answered["confidence"] == pytest.approx(read["confidence"])
    assert client.get("/reviews").json()["reviews"] == []
    audit = _audit_of(client, read["model"])
    assert (audit["answers"], audit["errors"], audit["error_rate"]) == (1, 0, 0.0)
    assert (audit["low"], audit["high"]) == (0.0, pytest.approx(0.975))
    page = client.get("/metrics").text
    assert f'numeral_audit_answers{{kind="digit",model="{read["model"]}"}} 1.0' in page
    assert 'numeral_max_error{kind="digit"} 0.001' in page


def test_batches_streams_and_tensors_are_audited(app_client, tmp_path, seven):
    database = f"sqlite:///{tmp_path}/feedback.db"
    client = app_client(feedback_database=database, audit_rate=1, audit_key=KEY)
    shown = client.post("/normalise", content=seven).content
    pixels = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_GRAYSCALE)
    tensor = {"name": "image", "shape": [1, 28, 28], "datatype": "UINT8", "data": pixels.tolist()}
    line = json.dumps({"image": base64.b64encode(seven).decode()})
    lines = {"Content-Type": "application/x-ndjson", "Accept": "application/x-ndjson"}

    batch = client.post("/predict/batch", files=[("files", seven)] * 2).json()["predictions"]
    streamed = client.post("/predict/batch", content=f"{line}\n{line}\n", headers=lines).text
    inferred = client.post("/v2/models/resnet/infer", json={"inputs": [tensor]}).json()

    streamed = [json.loads(each) for each in streamed.splitlines()]
    assert [each["reasons"] for each in batch + streamed] == [["audit"]] * 4
    outputs = {each["name"]: each["data"] for each in inferred["outputs"]}
    assert (outputs["digit"], outputs["decision"]) == ([7], ["review"])


def test_without_the_setting_the_models_have_no_audit(app_client):
    client = app_client()

    assert all("audit" not in model for model in client.get("/models").json()["models"])
    assert "numeral_audit_answers{" not in client.get("/metrics").text


def test_a_database_of_an_earlier_version_can_be_audited(tmp_path):
    url = f"sqlite:///{tmp_path}/feedback.db"
    store = Store(url)
    with store.transaction() as connection:
        connection.execute(text("DROP TABLE numeral_audits"))
    store.add([row(decision="review", reasons="audit")])
    store.close()

    store = Store(url)
    store.answer(PredictionQuery("mine"), Kind.DIGIT, "1", None)

    [result] = store.audits(30)
    assert (result.answers, result.errors) == (1, 1)
    store.close()


def _audit_of(client, name: str) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while True:
        audit = client.get(f"/models/{name}").json()["audit"]
        if audit["answers"] or time.monotonic() > deadline:
            return audit
        time.sleep(0.05)
