"""Numeral, and the two ceilings that no server passes."""

from benchmarks.serving import answers
from benchmarks.serving.bodies import base64_json, multipart, ndjson, npy, raw, v2_binary
from benchmarks.serving.contenders import Contender, Kind, Way

_V2 = "/v2/models/{model}/infer"

NUMERAL = Contender(
    name="numeral",
    title="Numeral",
    kind=Kind.NUMERAL,
    setup="`numeral serve` with its default settings but for the log level, warning.",
    command=(
        *("{python}", "-m", "service.cli", "serve", "--port", "{port}"),
        *("--log-level", "warning", "--default-model", "{model}"),
    ),
    ready="/health/ready",
    packages=("onnxruntime", "uvicorn", "fastapi"),
    singles=(
        Way("PNG, raw", "/predict", raw, answers.single),
        Way("PNG in a form", "/predict", multipart("file"), answers.single),
        Way("tensor, binary", _V2, v2_binary, answers.tensor),
    ),
    batches=(
        Way("PNGs in a form", "/predict/batch", multipart("files"), answers.several),
        Way("PNGs, Base64 in JSON", "/predict/batch", base64_json, answers.several),
        Way("PNGs, Base64 in NDJSON", "/predict/batch", ndjson, answers.lines),
        Way("npy array", "/predict/batch", npy, answers.several),
        Way("tensor, binary", _V2, v2_binary, answers.tensor),
    ),
)

BARE = Contender(
    name="bare",
    title="bare ASGI app",
    kind=Kind.CEILING,
    setup="An ASGI function on uvicorn that reads the body and answers a constant.",
    command=(
        *("{python}", "-m", "uvicorn", "benchmarks.serving.bare:app", "--host", "127.0.0.1"),
        *("--port", "{port}", "--log-level", "warning", "--no-access-log", "--lifespan", "off"),
    ),
    ready="/",
    packages=("uvicorn", "httptools", "uvloop"),
    singles=(Way("PNG, raw", "/", raw, answers.constant),),
    batches=(),
)

LOOP = Contender(
    name="loop",
    title="decode + ONNX Runtime in a loop",
    kind=Kind.CEILING,
    setup="One process, no HTTP, nothing normalised: `cv2.imdecode` and a run for each 64 PNGs.",
    command=("{python}", "-m", "benchmarks.serving.loop"),
    ready="",
    packages=("onnxruntime", "opencv-python-headless"),
    singles=(),
    batches=(Way("PNGs in memory", "", multipart("files"), answers.constant),),
)
