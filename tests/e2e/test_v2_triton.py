"""Triton's own client, unchanged, against the service: `tritonclient.http`, sync and asyncio."""

import asyncio
import base64

import cv2
import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from models.scores import entropy
from service.inference.sessions import open_classifier
from tests.generated import drawn_digits

CARDS = load_manifest(PACKAGE_DIRECTORY).models
CARD = CARDS[0]
OUTPUTS = ["logits", "probabilities", "digit", "confidence", "decision"]


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.removeprefix("http://")) as client:
        yield client


@pytest.fixture(scope="module")
def images():
    return drawn_digits(5, seed=11).images


def test_the_server_and_its_models_are_ready(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    for card in CARDS:
        assert client.is_model_ready(card.name)
        assert client.is_model_ready(card.name, card.version)
    assert not client.is_model_ready("vgg")
    assert not client.is_model_ready(CARD.name, "1")


def test_the_server_says_what_it_is(client):
    metadata = client.get_server_metadata()

    assert metadata["name"] == "numeral"
    assert set(metadata["extensions"]) == {"binary_tensor_data", "statistics"}


@pytest.mark.parametrize("version", ["", CARD.version])
def test_a_model_says_what_it_takes_and_gives(client, version):
    metadata = client.get_model_metadata(CARD.name, version)

    assert metadata["name"] == CARD.name
    assert metadata["versions"] == [CARD.version]
    assert metadata["inputs"] == [
        {"name": "image", "datatype": "UINT8", "shape": [-1, 28, 28]},
        {"name": "image_bytes", "datatype": "BYTES", "shape": [-1]},
    ]
    assert [output["name"] for output in metadata["outputs"]] == OUTPUTS


def test_the_index_lists_every_model(client):
    index = client.get_model_repository_index()

    assert [(entry["name"], entry["version"], entry["state"]) for entry in index] == [
        (card.name, card.version, "READY") for card in CARDS
    ]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
@pytest.mark.parametrize("binary", [True, False])
def test_a_tensor_is_answered_as_the_onnx_file_answers(client, images, card, binary):
    expected = open_classifier(PACKAGE_DIRECTORY, card).run(images)

    result = client.infer(card.name, [_image(images, binary_data=binary)])

    assert result.get_response()["model_version"] == card.version
    np.testing.assert_allclose(result.as_numpy("logits"), expected.logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        result.as_numpy("probabilities"), expected.probabilities, rtol=1e-4, atol=1e-6
    )
    assert result.as_numpy("digit").tolist() == expected.probabilities.argmax(axis=1).tolist()
    np.testing.assert_allclose(
        result.as_numpy("confidence"), expected.probabilities.max(axis=1), rtol=1e-4
    )


def test_every_output_has_the_type_that_the_metadata_says(client, images):
    result = client.infer(CARD.name, [_image(images)])

    declared = {each["name"]: each for each in client.get_model_metadata(CARD.name)["outputs"]}
    for name in OUTPUTS:
        output = result.get_output(name)
        assert output["datatype"] == declared[name]["datatype"]
        assert output["shape"] == [len(images), *declared[name]["shape"][1:]]
        assert output["parameters"]["binary_data_size"] > 0


@pytest.mark.parametrize("in_binary", [True, False])
@pytest.mark.parametrize("out_binary", [True, False])
def test_a_tensor_is_the_same_in_json_and_in_binary(client, images, in_binary, out_binary):
    usual = client.infer(CARD.name, [_image(images)])

    wanted = [triton.InferRequestedOutput(name, binary_data=out_binary) for name in OUTPUTS]
    result = client.infer(CARD.name, [_image(images, binary_data=in_binary)], outputs=wanted)

    for name in ("logits", "probabilities", "confidence"):
        np.testing.assert_allclose(result.as_numpy(name), usual.as_numpy(name), rtol=1e-4)
    assert result.as_numpy("digit").tolist() == usual.as_numpy("digit").tolist()
    assert _texts(result.as_numpy("decision")) == _texts(usual.as_numpy("decision"))


def test_only_the_outputs_that_are_wanted_are_sent_and_in_that_order(client, images):
    wanted = [
        triton.InferRequestedOutput("decision", binary_data=False),
        triton.InferRequestedOutput("digit"),
    ]

    response = client.infer(CARD.name, [_image(images)], outputs=wanted).get_response()

    assert [output["name"] for output in response["outputs"]] == ["decision", "digit"]
    assert "data" in response["outputs"][0]
    assert "data" not in response["outputs"][1]


def test_image_files_are_decoded_by_the_server(client, draw):
    files = [draw(digit) for digit in (3, 4, 7)]

    result = client.infer(CARD.name, [_files(files)])

    assert result.as_numpy("digit").tolist() == [3, 4, 7]
    assert result.as_numpy("logits").shape == (3, 10)


def test_image_files_in_json_are_base64(client, draw):
    texts = [base64.b64encode(draw(digit)).decode() for digit in (3, 4)]

    result = client.infer(CARD.name, [_files(texts, binary_data=False)])

    assert result.as_numpy("digit").tolist() == [3, 4]


def test_a_blank_image_has_no_digit(client, draw, blank):
    result = client.infer(CARD.name, [_files([draw(7), blank, draw(4)])])

    assert result.as_numpy("digit").tolist() == [7, -1, 4]
    assert _texts(result.as_numpy("decision"))[1] == "review"
    assert result.as_numpy("confidence")[1] == 0
    assert not result.as_numpy("probabilities")[1].any()
    assert not result.as_numpy("logits")[1].any()
    assert result.as_numpy("logits")[0].argmax() == 7
    assert result.as_numpy("logits")[2].argmax() == 4


def test_a_blank_tensor_has_no_digit(client):
    result = client.infer(CARD.name, [_image(np.zeros((1, 28, 28), np.uint8))])

    assert result.as_numpy("digit").tolist() == [-1]
    assert _texts(result.as_numpy("decision")) == ["review"]


def test_the_largest_batch_is_answered_in_order(client, images):
    many = np.resize(images, (1024, 28, 28))
    expected = client.infer(CARD.name, [_image(images)]).as_numpy("digit")

    result = client.infer(CARD.name, [_image(many)])

    assert result.as_numpy("digit").tolist() == np.resize(expected, 1024).tolist()


def test_the_id_comes_back(client, images):
    result = client.infer(CARD.name, [_image(images)], request_id="cheque-17")

    assert result.get_response()["id"] == "cheque-17"


def test_without_an_id_none_comes_back(client, images):
    assert "id" not in client.infer(CARD.name, [_image(images)]).get_response()


def test_decisions_follow_the_error_rate_that_is_asked_for(client):
    kept = [point for point in CARD.operating_points if point.threshold is not None]
    digits = drawn_digits(64, seed=3).images
    blends = (digits[::2] // 2 + digits[1::2] // 2).astype(np.uint8)

    for point in kept:
        result = client.infer(
            CARD.name, [_image(blends)], parameters={"max_error": point.max_error}
        )

        is_digit = entropy(result.as_numpy("probabilities")) <= CARD.outliers.entropy
        accepted = is_digit & (result.as_numpy("confidence") >= point.threshold)
        decisions = _texts(result.as_numpy("decision"))
        assert decisions == ["accept" if accept else "review" for accept in accepted]


def test_preprocess_none_takes_a_file_as_it_is(client, images):
    files = [cv2.imencode(".png", image)[1].tobytes() for image in images]

    result = client.infer(CARD.name, [_files(files)], parameters={"preprocess": "none"})

    expected = client.infer(CARD.name, [_image(images)]).as_numpy("logits")
    np.testing.assert_allclose(result.as_numpy("logits"), expected, rtol=1e-4, atol=1e-4)


def test_a_model_of_a_version_answers(client, images):
    assert client.infer(CARD.name, [_image(images)], model_version=CARD.version)


@pytest.mark.parametrize(
    ("model", "version", "reason"),
    [("vgg", "", "no model 'vgg'"), (CARD.name, "1", f"its version is '{CARD.version}'")],
)
def test_an_unknown_model_or_version_is_an_error(client, images, model, version, reason):
    with pytest.raises(InferenceServerException, match=reason) as raised:
        client.infer(model, [_image(images)], model_version=version)

    assert raised.value.status() == "404"


def test_several_requests_at_once_are_answered(server, images):
    address = server.removeprefix("http://")
    with triton.InferenceServerClient(address, concurrency=8) as client:
        expected = client.infer(CARD.name, [_image(images)]).as_numpy("digit").tolist()
        waiting = [client.async_infer(CARD.name, [_image(images)]) for _ in range(32)]

        answers = [each.get_result().as_numpy("digit").tolist() for each in waiting]

    assert answers == [expected] * 32


def test_statistics_count_images_requests_and_failures(start, images):
    service = start()
    service.wait_until_ready()
    with triton.InferenceServerClient(service.url.removeprefix("http://")) as client:
        for _ in range(3):
            client.infer(CARD.name, [_image(images)])
        with pytest.raises(InferenceServerException):
            client.infer(CARD.name, [_files([b"no picture"])])

        [counted] = client.get_inference_statistics(CARD.name, CARD.version)["model_stats"]
        of_all = client.get_inference_statistics()["model_stats"]

    assert counted["inference_count"] == 3 * len(images)
    assert counted["last_inference"] > 0
    times = counted["inference_stats"]
    assert times["success"]["count"] == 3
    assert times["fail"]["count"] == 1
    parts = ("queue", "compute_input", "compute_infer", "compute_output")
    steps = [times[step]["ns"] for step in parts]
    assert sum(steps) == times["success"]["ns"]
    assert min(steps) > 0
    assert [each["name"] for each in of_all] == [card.name for card in CARDS]
    assert counted in of_all


def test_the_asyncio_client_works(server, images, draw):
    async def scenario():
        async with triton_aio.InferenceServerClient(server.removeprefix("http://")) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready(CARD.name, CARD.version)
            assert (await client.get_server_metadata())["name"] == "numeral"
            assert (await client.get_model_metadata(CARD.name))["versions"] == [CARD.version]
            assert len(await client.get_model_repository_index()) == len(CARDS)
            assert (await client.get_inference_statistics(CARD.name))["model_stats"]
            tensors = await client.infer(CARD.name, [_image(images)])
            files = await client.infer(CARD.name, [_files([draw(7)])], request_id="seven")
            with pytest.raises(InferenceServerException, match="no model 'vgg'"):
                await client.infer("vgg", [_image(images)])
            many = await asyncio.gather(
                *(client.infer(CARD.name, [_image(images)]) for _ in range(32))
            )
            return tensors, files, many

    tensors, files, many = asyncio.run(scenario())

    assert files.as_numpy("digit").tolist() == [7]
    assert files.get_response()["id"] == "seven"
    digits = tensors.as_numpy("digit").tolist()
    assert [each.as_numpy("digit").tolist() for each in many] == [digits] * 32


def _image(images, *, binary_data=True):
    tensor = triton.InferInput("image", list(images.shape), "UINT8")
    return tensor.set_data_from_numpy(images, binary_data=binary_data)


def _files(files, *, binary_data=True):
    tensor = triton.InferInput("image_bytes", [len(files)], "BYTES")
    return tensor.set_data_from_numpy(np.array(files, np.object_), binary_data=binary_data)


def _texts(values):
    return [value.decode() if isinstance(value, bytes) else value for value in values]
