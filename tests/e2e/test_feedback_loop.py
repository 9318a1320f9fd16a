"""The loop closed: what people say is wrong is learnt, and the running service reads it right."""

import json
import signal
from functools import partial

import cv2
import httpx
import numpy as np
import pytest

from models.manifest import load_manifest
from tests.cli.running import numeral
from tests.commands import run_here
from tests.e2e.feedback import feedback
from tests.generated import drawn_mnist, write_idx

pytest.importorskip("keras", reason="needs the extra 'training' (no TensorFlow here)")
pytest.importorskip("onnx", reason="needs the extra 'training'")
pytest.importorskip("sqlalchemy", reason="needs the extra 'feedback'")


@pytest.fixture
def command(tmp_path):
    data_dir = write_idx(tmp_path / "data", drawn_mnist())

    return partial(run_here, NUMERAL_DATA=str(data_dir))


def test_what_people_say_is_right_is_learnt_and_served(command, start_ready, tmp_path, draw):
    runs, models, learnt_from = (tmp_path / name for name in ("runs", "models", "feedback"))
    database = f"sqlite:///{tmp_path}/feedback.db"
    command(
        "training", "fit", "--model", "mlp", "--epochs", 4, "--no-verify", "--runs-dir", runs
    )  # fmt: skip
    [first] = (runs / "mlp").iterdir()
    command("export", first, "--no-int8", "--no-verify", "--models-dir", models)
    service = start_ready(models_dir=models, feedback_database=database, feedback_images=True)

    # A sign that stands for another digit here than the one it is taken for.
    pictures = [_sign(side) for side in (60, 80, 100, 120, 140, 160)]
    taken_for = _digit(_predicted(service, pictures[-1]))
    meant = (taken_for + 1) % 10
    for picture in pictures:
        _say(service, picture, meant)
    # As often as the sign, as is what people send.
    for side in (80, 100, 120):
        for digit in range(10):
            _say(service, draw(digit, side=side), digit)
    done = numeral("export-feedback", "--out", learnt_from, "--feedback-database", database)
    assert done.returncode == 0, done.stderr
    command(
        "training", "fit", "--model", "mlp", "--initial", first, "--also", learnt_from,
        "--limit", 200, "--epochs", 6, "--batch-size", 16, "--no-verify", "--runs-dir", runs,
    )  # fmt: skip
    [second] = [run for run in (runs / "mlp").iterdir() if run != first]
    # It may be worse on the test images, which have no sign.
    command("export", second, "--no-int8", "--no-verify", "--models-dir", models, "--force")
    service.process.send_signal(signal.SIGHUP)
    service.wait_for(lambda: "reloaded" in service.log)

    answers = [_predicted(service, picture).json() for picture in pictures]
    described = json.loads((learnt_from / "feedback.json").read_text())
    assert len(described["train"] + described["t10k"]) == len(pictures) + 30
    assert [answer["digit"] for answer in answers] == [meant] * len(pictures)
    assert {answer["version"] for answer in answers} == {load_manifest(models).models[0].version}
    # And nothing was forgotten.
    digits = [_digit(_predicted(service, draw(digit))) for digit in range(10)]
    assert digits == list(range(10))


def _sign(side):
    canvas = np.full((side, side), 255, np.uint8)
    corners = np.array([[0.5, 0.2], [0.8, 0.8], [0.2, 0.8]]) * side
    cv2.polylines(canvas, [corners.astype(np.int32)], isClosed=True, color=0, thickness=side // 12)
    return cv2.imencode(".png", canvas)[1].tobytes()


def _predicted(service, picture) -> httpx.Response:
    return httpx.post(f"{service.url}/predict", content=picture)


def _digit(answer) -> int:
    return answer.json()["digit"]


def _say(service, picture, digit) -> None:
    request_id = _predicted(service, picture).headers["X-Request-ID"]
    feedback(service, request_id, digit=digit).raise_for_status()
