"""A client that openapi-python-client makes of the service's document works."""

import base64
import importlib
import re
import subprocess
import sys
from http import HTTPStatus
from io import BytesIO

import httpx
import pytest

from tests.strips import bars

PACKAGE = "numeral_generated"

# It knows forms, JSON and bytes of no kind, and says of others that it does not.
UNKNOWN_BODY = r"nsupported content.type\W+(image/\w+|application/x-npy|application/x-ndjson)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("generated")
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture(scope="module")
def told(folder, reading_server):
    """What the generator said when it made the package in `folder`."""
    document = folder / "openapi.json"
    document.write_bytes(httpx.get(f"{reading_server}/openapi.json").content)
    options = ("--path", document, "--meta", "none", "--output-path", folder / PACKAGE)
    finished = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", *options],
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout + finished.stderr


@pytest.fixture
def part(told):
    """Imports a part of the generated package."""
    return lambda name: importlib.import_module(f"{PACKAGE}.{name}")


@pytest.fixture
def client(part, reading_server):
    return part("client").Client(base_url=reading_server)


def test_nothing_is_left_out_but_kinds_of_bodies(told):
    complaints = re.split(r"\n(?=WARNING|ERROR|Unable)", told)[1:]

    assert complaints
    assert [each for each in complaints if not re.search(UNKNOWN_BODY, each)] == []
    assert "Endpoint will not be generated" not in told


def test_a_digit_is_read_from_bytes_and_from_a_form(part, client, seven):
    predict, models, file = part("api.predict.predict"), part("models"), part("types").File

    raw = predict.sync(client=client, body=file(BytesIO(seven)), model="lenet5", max_error=0.01)
    form = models.PictureForm(file=file(BytesIO(seven), "seven.png", "image/png"))

    assert isinstance(raw, models.Prediction)
    assert (raw.digit, raw.model, raw.decision) == (7, "lenet5", models.Decision.ACCEPT)
    assert predict.sync(client=client, body=form).digit == 7


def test_a_batch_is_read_from_json_and_from_a_form(part, client, seven):
    predict_batch, models = part("api.predict.predict_batch"), part("models")
    file = part("types").File
    image = base64.b64encode(seven).decode()

    request = models.BatchRequest([image, models.EncodedImage(image, id="b"), "no image"])
    first, second, third = predict_batch.sync(client=client, body=request).predictions
    form = models.BatchForm(files=[file(BytesIO(seven), "7.png", "image/png")])
    [only] = predict_batch.sync(client=client, body=form).predictions

    assert isinstance(third, models.BatchFailure)
    assert third.error.type_ == "/problems/invalid-item"
    assert (first.digit, second.digit, second.id) == (7, 7, "b")
    assert (only.digit, only.id) == (7, "7.png")


def test_fields_are_read(part, client):
    models, file = part("models"), part("types").File
    strip = bars("#18014")

    answer = part("api.fields.read_field").sync(
        client=client, body=file(BytesIO(strip)), length=5, checksum=part("types").UNSET
    )
    request = models.BatchRequest([base64.b64encode(strip).decode()])
    [item] = part("api.fields.read_field_batch").sync(client=client, body=request).fields

    assert isinstance(answer, models.ReadField)
    assert answer.text == item.text == "18014"
    assert [len(digit.box) for digit in answer.digits] == [4] * 5


def test_a_field_is_kept_to_its_checksum(part, client):
    file = part("types").File(BytesIO(bars("#18014")))
    luhn = part("models").Checksum.LUHN

    answer = part("api.fields.read_field").sync(client=client, body=file, checksum=luhn)

    assert answer.text != "18014"


def test_models_and_readers_are_listed_and_told_of(part, client):
    models, get_model = part("models"), part("api.models.get_model")

    listed = part("api.models.list_models").sync(client=client)
    detail = get_model.sync("resnet", client=client)
    reader = get_model.sync("reader", client=client)

    assert isinstance(detail, models.ModelDetail)
    assert detail.test.accuracy in [model.accuracy for model in listed.models]
    assert isinstance(reader, models.ReaderDetail)
    assert [each.name for each in listed.readers] == [reader.name]


def test_an_error_is_a_problem(part, client, seven):
    models, file = part("models"), part("types").File(BytesIO(seven))

    response = part("api.predict.predict").sync_detailed(
        client=client, body=file, model="nobody", x_request_id="mine"
    )

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert isinstance(response.parsed, models.Problem)
    assert response.parsed.type_ == "/problems/unknown-model"
    assert response.parsed.request_id == response.headers["X-Request-ID"] == "mine"


def test_the_open_inference_protocol_is_told_of(part, client):
    ready = part("api.v2.v2_server_ready").sync(client=client)
    statistics = part("api.v2.v2_statistics").sync(client=client)

    assert ready.ready
    assert "resnet" in [model.name for model in statistics.model_stats]
