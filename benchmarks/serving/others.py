"""Other ways to serve the models, each set up as its documentation recommends for throughput."""

from benchmarks.serving import answers
from benchmarks.serving.bodies import base64_json, multipart, raw, v2_binary, v2_json
from benchmarks.serving.contenders import Contender, Kind, Way

_UVICORN = (
    *("{python}", "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", "{port}"),
    *("--log-level", "warning", "--no-access-log"),
)
_FORMS = (
    (Way("PNG in a form", "/predict", multipart("file"), answers.single),),
    (Way("PNGs in a form", "/predict/batch", multipart("files"), answers.several),),
)

TUTORIAL = Contender(
    name="tutorial",
    title="tutorial: FastAPI + ONNX Runtime",
    kind=Kind.PEER,
    setup="A declared `UploadFile`, Pillow, uvicorn; one ONNX Runtime thread, since by default it"
    " binds threads to processors that the server is not to use.",
    command=_UVICORN,
    ready="/health",
    packages=("fastapi", "uvicorn", "onnxruntime", "pillow"),
    singles=_FORMS[0],
    batches=(
        Way("PNGs in a form, one by one", "/predict/batch", multipart("files"), answers.several),
        Way("PNGs in a form, stacked", "/predict/stacked", multipart("files"), answers.several),
    ),
)

PEERS = (
    TUTORIAL,
    Contender(
        name="keras",
        title="FastAPI + Keras `predict`",
        kind=Kind.PEER,
        setup="A declared `UploadFile`, Pillow, `model.predict`, uvicorn.",
        command=_UVICORN,
        environment={"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        ready="/health",
        packages=("keras", "tensorflow-cpu", "fastapi", "uvicorn"),
        singles=_FORMS[0],
        batches=_FORMS[1],
        needs_keras=True,
    ),
    Contender(
        name="litserve",
        title="LitServe",
        kind=Kind.PEER,
        setup="Dynamic batching up to 64, `fast_queue`, OpenCV, one ONNX Runtime thread.",
        command=("{python}", "app.py"),
        ready="/health",
        packages=("litserve", "onnxruntime", "opencv-python-headless"),
        singles=(Way("PNG, Base64 in JSON", "/predict", base64_json, answers.several),),
        batches=(Way("PNGs, Base64 in JSON", "/predict", base64_json, answers.several),),
    ),
    Contender(
        name="bentoml",
        title="BentoML",
        kind=Kind.PEER,
        setup="A batchable API (adaptive batching) of Pillow pictures, one ONNX Runtime thread.",
        command=(
            *("{bin}/bentoml", "serve", "app:Digits", "--host", "127.0.0.1"),
            *("--port", "{port}"),
        ),
        environment={"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "{scratch}"},
        ready="/readyz",
        packages=("bentoml", "onnxruntime", "pillow"),
        singles=(Way("PNG in a form", "/predict", multipart("images"), answers.listed),),
        batches=(Way("PNGs in a form", "/predict", multipart("images"), answers.listed),),
    ),
    Contender(
        name="mlserver",
        title="MLServer",
        kind=Kind.PEER,
        setup="A custom runtime, adaptive batching up to 64, no processes beside the server.",
        command=("{bin}/mlserver", "start", "."),
        environment={
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{second_port}",
            "MLSERVER_METRICS_PORT": "{third_port}",
        },
        ready="/v2/models/digits/ready",
        packages=("mlserver", "onnxruntime", "uvicorn"),
        singles=(Way("tensor in JSON", "/v2/models/digits/infer", v2_json, answers.tensor),),
        batches=(Way("tensor in JSON", "/v2/models/digits/infer", v2_json, answers.tensor),),
    ),
    Contender(
        name="rayserve",
        title="Ray Serve",
        kind=Kind.PEER,
        setup="High-throughput mode with HAProxy, one replica, `@serve.batch` up to 64, OpenCV, one"
        " ONNX Runtime thread.",
        command=("{python}", "app.py"),
        environment={
            "RAY_USAGE_STATS_ENABLED": "0",
            # https://docs.ray.io/en/master/kuberay/user-guides/serve-high-throughput.html; HAProxy
            # in front in place of Ray's own proxy answers ten times the requests.
            "RAY_SERVE_ENABLE_HA_PROXY": "1",
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        },
        ready="/",
        packages=("ray", "onnxruntime", "opencv-python-headless"),
        singles=(Way("PNG, raw", "/", raw, answers.single),),
        batches=(Way("PNGs in a form", "/", multipart("files"), answers.several),),
    ),
    Contender(
        name="pytriton",
        title="PyTriton",
        kind=Kind.PEER,
        setup="Triton's dynamic batcher up to 64, no delay, one ONNX Runtime thread.",
        command=("{python}", "app.py"),
        # Triton starts a Python of its own, which looks for libpython.
        environment={"LD_LIBRARY_PATH": "{libraries}", "PYTRITON_HOME": "{scratch}"},
        ready="/v2/models/digits/ready",
        packages=("nvidia-pytriton", "onnxruntime"),
        singles=(Way("tensor, binary", "/v2/models/digits/infer", v2_binary, answers.tensor),),
        batches=(Way("tensor, binary", "/v2/models/digits/infer", v2_binary, answers.tensor),),
    ),
)
