"""Feedback over a real socket: predictions are recorded, found and answered."""

import base64
import json

import cv2
import httpx
import numpy as np
import pytest
import tritonclient.http

from models.fields.constraints import LONGEST
from service.auth.api_keys import Role, new_key
from tests.conftest import copy_models
from tests.e2e.callers import callers
from tests.e2e.feedback import feedback, metric, predict, rows
from tests.e2e.running import run_service
from tests.strips import bars, publish_reader

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The database of `feedback_server`."""
    return tmp_path_factory.mktemp("feedback") / "feedback.db"


@pytest.fixture(scope="module")
def feedback_server(file):
    """A service with a reader of bars that records feedback."""
    models = copy_models(file.parent / "models")
    publish_reader(models)
    settings = {"models_dir": models, "feedback_database": f"sqlite:///{file}"}
    with run_service(file.parent, **settings) as running:
        running.wait_until_ready()
        yield running


def test_without_the_setting_feedback_is_off(server, seven):
    request_id = httpx.post(f"{server}/predict", content=seven).headers["X-Request-ID"]

    answer = httpx.post(f"{server}/feedback", json={"request_id": request_id, "digit": 1})

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/feedback-off"


def test_the_setting_alone_creates_a_private_file_in_the_working_directory(
    start_ready, seven, tmp_path
):
    service = start_ready(cwd=tmp_path, feedback=True)

    assert feedback(service, predict(service, seven), digit=7).status_code == 201

    service.stop()
    [file] = tmp_path.glob("numeral-feedback.db*")
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_right_answer_is_taken_once(feedback_server, seven):
    request_id = predict(feedback_server, seven)

    first, again, other = (
        feedback(feedback_server, request_id, digit=digit) for digit in (1, 1, 2)
    )

    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert other.json()["type"] == "/problems/answered-otherwise"
    kept = first.json()
    assert again.json() == kept
    assert kept["request_id"] == request_id
    assert (kept["read"], kept["answer"], kept["right"]) == ("7", "1", False)
    assert (kept["model"], kept["decision"], kept["kind"]) == ("resnet", "accept", "digit")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"request_id": "a"},
        {"request_id": "a b", "digit": 1},
        {"request_id": "a", "digit": 10},
        {"request_id": "a", "digit": 1, "text": "1"},
        {"request_id": "a", "digit": 1, "index": -1},
        {"request_id": "a", "digit": 1, "index": 2**40},
        {"request_id": "a", "digit": 1, "index": 0, "id": "b"},
        {"request_id": "a", "digit": 1, "caller": "owner"},
        {"request_id": "a", "text": "1.80"},
        {"request_id": "a", "text": (LONGEST + 1) * "1"},
        {"request_id": "a", "digit": 1, "colour": "blue"},
        [],
    ],
)
def test_an_invalid_body_is_refused_with_its_faults(feedback_server, body):
    answer = httpx.post(f"{feedback_server.url}/feedback", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_malformed_body_and_an_unknown_request_are_refused(feedback_server):
    headers = {"Content-Type": "application/json"}
    url = f"{feedback_server.url}/feedback"

    malformed = httpx.post(url, content=b"{", headers=headers)
    unknown = feedback(feedback_server, "nobody", digit=1)

    assert malformed.status_code == 400
    assert malformed.json()["type"] == "/problems/malformed-body"
    assert unknown.status_code == 404
    assert unknown.json()["type"] == "/problems/unknown-prediction"


def test_images_of_a_batch_are_told_apart(feedback_server, draw):
    files = [("files", (name, draw(digit))) for name, digit in (("a", 3), ("b", 7), ("c", 1))]
    files.insert(1, ("files", ("x", b"no picture")))
    answer = httpx.post(f"{feedback_server.url}/predict/batch", files=files)
    request_id = answer.headers["X-Request-ID"]

    by_index = feedback(feedback_server, request_id, index=2, digit=7)
    by_id = feedback(feedback_server, request_id, id="c", digit=1)
    neither = feedback(feedback_server, request_id, digit=1)
    unread = feedback(feedback_server, request_id, index=1, digit=1)

    assert (by_index.json()["id"], by_index.json()["right"]) == ("b", True)
    assert (by_id.json()["index"], by_id.json()["right"]) == (3, True)
    assert neither.status_code == 422
    assert "add index" in neither.json()["detail"]
    assert unread.status_code == 404


def test_images_of_a_stream_are_told_apart(feedback_server, draw):
    lines = [
        json.dumps({"id": digit, "image": base64.b64encode(draw(digit)).decode()})
        for digit in range(10)
    ] * 10
    headers = {"Content-Type": "application/x-ndjson", "X-Request-ID": "stream.1"}
    httpx.post(
        f"{feedback_server.url}/predict/batch", content="\n".join(lines), headers=headers
    ).raise_for_status()

    answer = feedback(feedback_server, "stream.1", index=97, digit=7)

    assert answer.status_code == 201
    assert (answer.json()["id"], answer.json()["read"]) == ("7", "7")


def test_a_tensor_is_recorded_too(feedback_server):
    image = np.zeros((2, 28, 28), np.uint8)
    image[1, 4:24, 13:15] = 255
    with tritonclient.http.InferenceServerClient(feedback_server.url.split("//")[1]) as triton:
        tensor = tritonclient.http.InferInput("image", image.shape, "UINT8")
        tensor.set_data_from_numpy(image)
        triton.infer("resnet", [tensor], headers={"X-Request-ID": "tensor.1"})

    answer = feedback(feedback_server, "tensor.1", index=1, digit=1)

    assert (answer.status_code, answer.json()["right"]) == (201, True)


def test_a_field_is_answered_with_a_text(feedback_server):
    answer = httpx.post(f"{feedback_server.url}/fields", content=bars("#18014"))
    request_id = answer.headers["X-Request-ID"]

    as_digit = feedback(feedback_server, request_id, digit=1)
    as_text = feedback(feedback_server, request_id, text="18019")

    assert as_digit.status_code == 422
    assert as_text.status_code == 201
    assert (as_text.json()["read"], as_text.json()["right"]) == ("18014", False)
    assert "image" not in as_text.json()


def test_metrics_show_the_errors_seen_in_the_field(feedback_server, seven, blank):
    def seen(decision, outcome):
        labels = {"model": "resnet", "decision": decision, "outcome": outcome}
        return metric(feedback_server, "numeral_feedback_total", **labels)

    kinds = [(decision, each) for decision in ("accept", "review") for each in ("right", "wrong")]
    before = [seen(*kind) for kind in kinds]
    for digit in (7, 7, 1):
        feedback(feedback_server, predict(feedback_server, seven), digit=digit).raise_for_status()
    feedback(feedback_server, predict(feedback_server, blank), digit=None).raise_for_status()

    added = [seen(*kind) - count for kind, count in zip(kinds, before, strict=True)]
    assert added == [2, 1, 1, 0]


@pytest.fixture(scope="module")
def keys():
    return {
        "till": new_key("till", Role.PREDICT),
        "office": new_key("office", Role.PREDICT),
        "owner": new_key("owner", Role.ADMIN),
    }


@pytest.fixture(scope="module")
def client(keys, tmp_path_factory):
    """Return a function from a key's name to a client that uses it."""
    folder = tmp_path_factory.mktemp("keys")
    keys_file = folder / "keys.jsonl"
    keys_file.write_text("".join(line.model_dump_json() + "\n" for _, line in keys.values()))
    settings = {
        "feedback_database": f"sqlite:///{folder}/feedback.db",
        "feedback_images": True,
        "api_keys_file": keys_file,
        # No model promises that: everything needs a review.
        "max_error": 0,
    }
    with run_service(folder, **settings) as service:
        service.wait_until_ready()
        yield lambda name: httpx.Client(
            base_url=service.url, headers={"X-API-Key": keys[name][0]}, timeout=30
        )


def test_a_key_answers_for_its_own_requests_alone(client, seven):
    mine = {"X-Request-ID": "order-1"}
    client("till").post("/predict", content=seven, headers=mine)

    def status(name, **body):
        answer = client(name).post("/feedback", json={"request_id": "order-1"} | body)
        return answer.status_code

    assert status("office", digit=1) == 404
    assert status("office", digit=1, caller="till") == 403
    assert status("owner", digit=1, caller="office") == 404
    assert status("till", digit=7) == 201
    assert status("owner", digit=7) == 200
    assert status("till", digit=7, caller="till") == 200


def test_a_key_looks_up_its_own_predictions_alone(client, seven, draw):
    till = client("till")
    files = [("files", (f"{digit}.png", draw(digit))) for digit in (3, 5)]
    till.post("/predict/batch", files=files, headers={"X-Request-ID": "order-2"})
    till.post("/feedback", json={"request_id": "order-2", "index": 1, "digit": 5})

    answers = {name: client(name).get("/predictions/order-2") for name in ("till", "owner")}

    assert answers["till"].json() == answers["owner"].json()
    first, second = answers["till"].json()["predictions"]
    assert (first["index"], first["id"], first["read"], first["caller"]) == (
        0,
        "3.png",
        "3",
        "till",
    )
    assert (first["answer"], first["answered"]) == (None, None)
    assert (second["read"], second["answer"]) == ("5", "5")
    unknown = client("office").get("/predictions/order-2")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-prediction")
    # Otherwise it would wait for review.
    assert client("owner").delete("/predictions/order-2").status_code == 204


def test_a_prediction_is_looked_up_without_keys(server, feedback_server, seven):
    request_id = predict(feedback_server, seven)

    found = httpx.get(f"{feedback_server.url}/predictions/{request_id}").json()
    malformed = httpx.get(f"{feedback_server.url}/predictions/a%00b")
    off = httpx.get(f"{server}/predictions/{request_id}")

    assert [each["read"] for each in found["predictions"]] == ["7"]
    assert (malformed.status_code, "letters" in malformed.text) == (422, True)
    assert (off.status_code, off.json()["type"]) == (403, "/problems/feedback-off")


def test_a_person_works_off_the_queue_of_reviews(client, seven, draw):
    till, owner = client("till"), client("owner")
    till.post("/predict?max_error=0.01", content=seven)
    for digit in (3, 5):
        till.post("/predict", content=draw(digit), headers={"X-Request-ID": f"r{digit}"})
    assert till.post("/feedback", json={"request_id": "r3", "digit": 3}).status_code == 201

    assert till.get("/reviews").status_code == 403
    [review] = owner.get("/reviews", params={"limit": 5}).json()["reviews"]
    picture = owner.get(review["image"])
    assert till.get(review["image"]).status_code == 403

    assert (review["request_id"], review["caller"], review["read"]) == ("r5", "till", "5")
    assert review["reasons"] == ["low_confidence"]
    assert picture.headers["Content-Type"] == "image/png"
    shown = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown.shape == (28, 28)
    place = {name: review[name] for name in ("request_id", "index", "caller")}
    assert owner.post("/feedback", json=place | {"digit": 5}).status_code == 201
    assert owner.get("/reviews").json() == {"reviews": []}
    assert owner.get("/reviews", params={"limit": 0}).status_code == 422
    assert owner.get("/reviews/999/image").status_code == 404


def test_without_keys_nobody_sees_the_queue(feedback_server):
    for path in ("/reviews", "/reviews/1/image"):
        answer = httpx.get(f"{feedback_server.url}{path}")

        assert answer.status_code == 403
        assert answer.json()["type"] == "/problems/admin-off"


@pytest.mark.own_processes("Ray's proxy asks the last callers to retry")
def test_all_requests_are_recorded_when_the_service_stops(feedback_server, seven, file):
    """The last test of this service."""
    assert feedback(feedback_server, predict(feedback_server, seven), digit=7).is_success
    before = rows(file)
    with callers(feedback_server.url, seven, number=1) as calling:
        feedback_server.wait_for(lambda: calling.answers[200] > 20)
        feedback_server.process.terminate()
        calling.wait_until_refused()

    feedback_server.process.wait(60)
    assert rows(file) - before == calling.answers[200]
