"""`POST /fields` and `/fields/batch` over a real socket, with a reader of bars."""

import base64
import json
import signal

import cv2
import httpx
import numpy as np
import pytest

from service.auth.api_keys import ApiKeys, Role, new_key
from service.auth.quotas import Quota
from tests.conftest import copy_models
from tests.e2e.running import run_service
from tests.strips import bars, publish_reader

pytest.importorskip("onnx")


def _amount(value):
    units, cents = value.split(".")
    return {"value": value, "units": int(units), "cents": int(cents)}


def _meaning(query):
    fields = {"format=amount": "amount", "format=date": "date", "expected": "match"}
    return [field for option, field in fields.items() if option in query]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fields")
    publish_reader(copy_models(folder))
    with run_service(folder, models_dir=folder) as running:
        running.wait_until_ready()
        yield running


def test_a_field_is_read_with_its_digits_and_their_places(service):
    answer = _read(service, bars("#18014", height=80))

    assert answer["model"] == "reader"
    assert (answer["text"], answer["raw"]) == ("18014", "#18014")
    assert (answer["decision"], answer["reasons"]) == ("accept", [])
    assert answer["confidence"] > 0.99
    assert [digit["digit"] for digit in answer["digits"]] == [1, 8, 0, 1, 4]
    for place, digit in enumerate(answer["digits"], 1):
        x, y, width, _ = digit["box"]
        assert abs(x - (32 * place + 16)) <= 4
        assert abs(width - 16) <= 4
        assert y <= 4


@pytest.mark.parametrize("height", [40, 80, 160])
@pytest.mark.parametrize("light_ink", [False, True])
def test_a_strip_of_any_size_and_polarity_is_read(service, height, light_ink):
    picture = bars("#0123456789", height=height, light_ink=light_ink)

    assert _read(service, picture)["text"] == "0123456789"


def test_a_field_comes_raw_or_as_a_form(service):
    raw = _read(service, bars("#42"))

    form = httpx.post(f"{service.url}/fields", files={"file": ("field.png", bars("#42"))}).json()

    assert form | {"request_id": raw["request_id"]} == raw


def test_margins_are_cut_off_and_the_boxes_still_fit(service):
    strip = cv2.imdecode(np.frombuffer(bars("#69"), np.uint8), cv2.IMREAD_GRAYSCALE)
    page = np.full((500, 900), 230, np.uint8)
    page[300:340, 500 : 500 + strip.shape[1]] = strip
    alone = _read(service, cv2.imencode(".png", page)[1].tobytes())

    # Which digits they are depends on the margin that is left.
    assert alone["digits"]
    for digit in alone["digits"]:
        x, y, width, height = digit["box"]
        assert 296 <= y < y + height <= 344
        assert 504 <= x < x + width <= 552


@pytest.mark.parametrize("query", ["?length=2", "?min_length=2&max_length=4", "?checksum=luhn"])
def test_a_field_that_keeps_to_what_is_known_is_accepted(service, query):
    answer = _read(service, bars("#42"), query)

    assert (answer["text"], answer["decision"]) == ("42", "accept")


@pytest.mark.parametrize("query", ["?length=3", "?max_length=1", "?checksum=luhn"])
def test_a_field_that_does_not_has_no_text_but_what_is_written(service, query):
    answer = _read(service, bars("#43"), query)

    assert (answer["text"], answer["raw"], answer["confidence"]) == (None, None, 0)
    assert (answer["decision"], answer["reasons"]) == ("review", ["no_match"])
    assert answer["digits"] == []
    assert answer["alternatives"][0]["text"] == "43"


def test_a_checksum_decides_between_two_digits(service):
    open_digit = _read(service, bars("#?4"))
    known = _read(service, bars("#?4"), "?checksum=luhn")

    assert open_digit["reasons"] == ["low_confidence"]
    assert open_digit["alternatives"]
    assert known["text"] == "34"


def test_a_blank_field_goes_to_review(service, blank):
    answer = _read(service, blank)

    assert (answer["text"], answer["raw"], answer["confidence"]) == (None, None, 0)
    assert (answer["decision"], answer["reasons"]) == ("review", ["blank"])


def test_a_field_without_digits_goes_to_review(service):
    answer = _read(service, bars("# # #"), "?length=3")

    assert (answer["text"], answer["reasons"]) == (None, ["not_a_digit"])


@pytest.mark.parametrize(
    ("text", "query", "said"),
    [
        ("#75/100", "", {"text": None, "raw": "#75/100", "reasons": ["fraction"]}),
        ("#75/100", "?format=amount", {"text": None, "amount": _amount("0.75"), "reasons": []}),
        ("#18.50", "?format=amount&expected=18.5", {"amount": _amount("18.50"), "match": True}),
        ("#18.50", "?format=amount&expected=18.51", {"match": False, "reasons": ["mismatch"]}),
        ("#1.250", "?format=amount", {"amount": None, "reasons": ["ambiguous"]}),
        ("#1.250", "?format=amount&decimal=,", {"amount": _amount("1250.00"), "reasons": []}),
        ("#90210-1234", "?format=zip", {"text": "902101234", "reasons": []}),
        ("#3/4/26", "?format=date&order=mdy", {"date": "2026-03-04", "reasons": []}),
        ("#31/4/26", "?format=date&order=dmy", {"date": None, "reasons": ["no_match"]}),
        ("# # #", "?format=amount&expected=1", {"amount": None, "match": False}),
    ],
)
def test_a_format_gives_the_digits_a_meaning(service, text, query, said):
    answer = _read(service, bars(text), query)

    assert answer | said == answer
    assert (answer["decision"] == "review") is bool(answer["reasons"])
    assert answer.keys() & {"amount", "date", "match"} == {*_meaning(query)}


def test_an_ambiguous_field_has_a_value_in_each_alternative(service):
    amounts = _read(service, bars("#1.250"), "?format=amount")["alternatives"]
    dates = _read(service, bars("#3/4/26"), "?format=date")["alternatives"]

    assert [each["amount"]["value"] for each in amounts] == ["1250.00", "1.25"]
    assert [each["date"] for each in dates] == ["2026-04-03", "2026-03-04"]


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("?format=iban", 422, "format"),
        ("?decimal=.", 422, "decimal requires format=amount"),
        ("?format=amount&expected=1e3", 422, "an amount such as 125.75"),
        ("?length=0", 422, "length"),
        ("?length=5&min_length=6", 422, "contradict"),
        ("?checksum=iban", 422, "checksum"),
        ("?checksum=aba&length=8", 422, "9 digits"),
        ("?preprocess=none", 422, "preprocess"),
        ("?model=resnet", 404, "the readers are reader"),
        ("?model=", 404, "there is no reader ''"),
        ("?max_error=0.005", 422, "was not shown to keep"),
        ("?max_error=0.0001", 422, "was not shown to keep"),
    ],
)
def test_options_that_cannot_be_met_are_an_error(service, query, status, says):
    response = httpx.post(f"{service.url}/fields{query}", content=bars("#1"))

    assert response.status_code == status
    assert says in response.text


def test_what_is_no_picture_is_an_error(service):
    response = httpx.post(f"{service.url}/fields", content=b"no picture")

    assert response.status_code == 422
    assert response.json()["type"] == "/problems/unsupported-format"


@pytest.mark.parametrize("media_type", ["application/x-npy", "text/plain"])
def test_a_body_of_another_kind_is_an_error(service, media_type):
    headers = {"Content-Type": media_type}

    response = httpx.post(f"{service.url}/fields", content=b"{}", headers=headers)

    assert response.status_code == 415


def test_files_are_read_in_order_with_their_names(service):
    texts = ["1", "42", "18014", "90210", "7", "123456789"] * 5
    files = [("files", (f"{place}.png", bars(f"#{text}"))) for place, text in enumerate(texts)]

    fields = httpx.post(f"{service.url}/fields/batch", files=files).json()["fields"]

    assert [field["text"] for field in fields] == texts
    assert [field["id"] for field in fields] == [f"{place}.png" for place in range(len(texts))]
    assert [field["index"] for field in fields] == list(range(len(texts)))


def test_a_bad_item_affects_no_other(service):
    images = [_base64(bars("#42")), _base64(b"no picture"), "no Base64!"]
    images += [{"id": "b", "image": _base64(bars("#7", suffix=".tiff"))}]

    response = httpx.post(f"{service.url}/fields/batch", json={"images": images})

    first, second, third, fourth = response.json()["fields"]
    assert first["text"] == "42"
    assert second["error"]["type"] == "/problems/unsupported-format"
    assert third["error"]["type"] == "/problems/invalid-item"
    assert (fourth["id"], fourth["text"]) == ("b", "7")


def test_constraints_hold_for_all_of_a_batch(service):
    images = [_base64(bars("#42")), _base64(bars("#421"))]

    answer = httpx.post(f"{service.url}/fields/batch?length=2", json={"images": images}).json()

    assert answer["fields"][0]["decision"] == "accept"
    assert answer["fields"][1]["reasons"] == ["no_match"]
    assert answer["fields"][1]["text"] is None


def test_lines_are_answered_in_lines(service):
    texts = [str(number) for number in range(100, 300)]
    body = "".join(
        json.dumps({"id": text, "image": _base64(bars(f"#{text}"))}) + "\n" for text in texts
    )
    headers = {"Content-Type": "application/x-ndjson"}

    response = httpx.post(f"{service.url}/fields/batch", content=body, headers=headers)

    assert response.headers["Content-Type"] == "application/x-ndjson"
    lines = list(map(json.loads, response.text.splitlines()))
    assert [line["text"] for line in lines] == [line["id"] for line in lines] == texts


def test_an_array_is_refused(service):
    headers = {"Content-Type": "application/x-npy"}

    response = httpx.post(f"{service.url}/fields/batch", content=b"x", headers=headers)

    assert response.status_code == 415
    assert "application/x-npy" not in response.json()["detail"].partition(";")[2]


def test_fields_are_counted_by_reader_and_decision(service):
    _read(service, bars("#42"))

    page = httpx.get(f"{service.url}/metrics").text

    assert 'numeral_images_total{decision="accept",model="reader"}' in page
    assert 'numeral_infer_duration_seconds_count{model="reader"}' in page
    assert 'numeral_requests_total{method="POST",route="/fields",status="200"}' in page


def test_digits_are_read_beside_fields(service, seven):
    answer = httpx.post(f"{service.url}/predict", content=seven)
    as_digit = httpx.post(f"{service.url}/predict?model=reader", content=seven)

    assert answer.json()["digit"] == 7
    assert as_digit.status_code == 404
    assert "it reads fields" in as_digit.json()["detail"]


def test_readers_are_listed_beside_the_models(service):
    [reader] = httpx.get(f"{service.url}/models").json()["readers"]
    card = httpx.get(f"{service.url}/models/reader").json()

    assert (reader["name"], reader["status"], reader["default"]) == ("reader", "loaded", True)
    assert card["version"] == reader["version"]
    assert card["temperature"] == 1
    assert httpx.get(f"{service.url}/health/ready").json()["readers"] == ["reader"]


def test_a_damaged_reader_does_not_stop_the_digit_models(app_client, models_copy, seven):
    publish_reader(models_copy)
    (models_copy / "reader.onnx").write_bytes(b"damaged")
    client = app_client(models_dir=models_copy)

    response = client.post("/fields", content=bars("#1"))

    assert response.status_code == 503
    assert response.json()["type"] == "/problems/model-unavailable"
    assert "reader.onnx" in response.json()["detail"]
    assert client.post("/predict", content=seven).json()["digit"] == 7
    [listed] = client.get("/models").json()["readers"]
    assert listed["status"] == "failed"
    assert "reader.onnx" in client.get("/models/reader").json()["reason"]


def test_fields_ask_for_a_key_and_count_against_its_quota(app_client, models_copy):
    publish_reader(models_copy)
    key, line = new_key("single", Role.PREDICT, Quota.parse("4/day"))
    client = app_client(ApiKeys((line,)), models_dir=models_copy)
    four = [("files", (f"{number}.png", bars("#42"))) for number in range(4)]

    assert client.post("/fields", content=bars("#42")).status_code == 401
    client.headers["X-API-Key"] = key
    assert client.post("/fields", content=bars("#42")).status_code == 200
    refused = client.post("/fields/batch", files=four)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert client.post("/fields/batch", files=four[:2]).status_code == 200


def test_a_reader_is_published_into_a_running_service_and_no_damaged_one_replaces_it(
    start_ready, models_copy
):
    manifest = models_copy / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"readers": []}))
    service = start_ready(models_dir=models_copy)
    without = httpx.post(f"{service.url}/fields", content=bars("#42"))
    assert without.status_code == 404
    assert "no reader is published" in without.json()["detail"]

    publish_reader(models_copy)
    service.process.send_signal(signal.SIGHUP)
    service.wait_for(lambda: "reloaded" in service.log)
    assert _read(service, bars("#42"))["text"] == "42"

    (models_copy / "reader.onnx").write_bytes(b"damaged")
    service.process.send_signal(signal.SIGHUP)
    service.wait_for(lambda: "reload failed" in service.log)
    assert _read(service, bars("#42"))["text"] == "42"


def test_the_document_says_every_body_parameter_and_error_of_a_field(service):
    paths = httpx.get(f"{service.url}/openapi.json").json()["paths"]

    for path in ("/fields", "/fields/batch"):
        names = {parameter["name"] for parameter in paths[path]["post"]["parameters"]}
        assert names == {
            *(
                "model",
                "max_error",
                "calibration",
                "length",
                "min_length",
                "max_length",
                "checksum",
                "format",
                "decimal",
                "order",
                "expected",
                "page",
            ),
            "X-Request-ID",
        }
    assert "application/x-npy" not in paths["/fields/batch"]["post"]["requestBody"]["content"]
    assert {"200", "404", "413", "415", "422", "503", "504"} <= paths["/fields"]["post"][
        "responses"
    ].keys()


def _read(service, picture, query=""):
    response = httpx.post(f"{service.url}/fields{query}", content=picture)
    assert response.status_code == 200, response.text
    return response.json()


def _base64(data):
    return base64.b64encode(data).decode()
