"""How fast one core reads, from the files that the other benchmarks wrote."""

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.serving.results import Results
from models.manifest import PACKAGE_DIRECTORY, load_manifest

SINGLE = "single, PNG"
FIELD = "field, PNG"

_MICRO = 1e6

# What is sent: how the benchmark of serving calls it, and how many images are in a request.
_KINDS = {
    SINGLE: ("PNG, raw", 1),
    "single, in a form": ("PNG in a form", 1),
    "64 PNGs in a form": ("PNGs in a form", 64),
    "64 PNGs in JSON": ("PNGs, Base64 in JSON", 64),
    "64 PNGs as lines": ("PNGs, Base64 in NDJSON", 64),
    "64 in an array": ("npy array", 64),
    "64 in a binary tensor": ("tensor, binary", 64),
}
_STREAM = "one stream of 100,000"

_IN_MEMORY = ("PNGs in memory", 64)

# The pictures of the benchmark of serving are MNIST's, in the form that models expect: no ink has
# to be found in them. Those of the benchmark of scoring are drawn on grainy paper.
_ON_PAPER = "ceiling: a loop, files in memory"

# The benchmark of serving compares numbers of workers with this model alone.
SCALED = "cnn"


@dataclass(frozen=True)
class Steps:
    """Where a core's time for one single image goes, in microseconds.

    Attributes:
        http: a bare ASGI app's time for the request.
        decode: the PNG.
        model: ONNX Runtime, in batches.
        rest: what is left: ink, normalising, judging, metrics, the answer in JSON.
    """

    http: float
    decode: float
    model: float
    rest: float


@dataclass(frozen=True)
class Recorded:
    """What the files say.

    Attributes:
        machine: on which it was measured.
        rates: images per second of one core, by what is sent and by model.
        fields: fields per second of one core.
        steps: by model.
        ink: seconds that a digit on grainy paper takes beyond one in the form that models expect.
        scaling: what two cores do, as a share of twice what one does, with `cnn`.
        models: those that were measured.
    """

    machine: str
    rates: dict[str, dict[str, float]]
    fields: float
    steps: dict[str, Steps]
    ink: float
    scaling: float
    models: tuple[str, ...]


def recorded(folder: Path) -> Recorded:
    """Read the manifest, and in `folder` {serving,streaming,fields,scoring}.json."""
    serving = Results.model_validate_json((folder / "serving.json").read_bytes())
    streaming: dict[str, Any] = json.loads((folder / "streaming.json").read_bytes())
    rates: dict[str, dict[str, float]] = {
        kind: {
            model: _rate(serving, "numeral", model, way, images)
            for model in serving.conditions.rounds
        }
        for kind, (way, images) in _KINDS.items()
    }
    rates[_STREAM] = {
        each["model"]: each["images_per_second"]
        for each in streaming["results"]
        if each["answers_taken"] == "while sending"
    }
    one, two = (_rate(serving, "numeral", SCALED, "PNG, raw", 1, workers=n) for n in (1, 2))
    return Recorded(
        machine=serving.conditions.machine,
        rates=rates,
        fields=json.loads((folder / "fields.json").read_bytes())["fields_per_second"],
        steps={model: _steps(serving, model) for model in serving.conditions.rounds},
        ink=_ink(serving, folder),
        scaling=two / (2 * one),
        models=tuple(serving.conditions.rounds),
    )


def _steps(serving: Results, model: str) -> Steps:
    cards = {card.name: card for card in load_manifest(PACKAGE_DIRECTORY).models}
    all_of_it = _MICRO / _rate(serving, "numeral", model, "PNG, raw", 1)
    http = _MICRO / _rate(serving, "bare", model, "PNG, raw", 1)
    decode_and_model = _MICRO / _rate(serving, "loop", model, *_IN_MEMORY)
    run = _MICRO / cards[model].speed.images_per_second
    return Steps(http, decode_and_model - run, run, all_of_it - http - decode_and_model)


def _ink(serving: Results, folder: Path) -> float:
    scoring: dict[str, Any] = json.loads((folder / "scoring.json").read_bytes())
    return mean(
        1 / each["pictures_per_second"] - 1 / _rate(serving, "loop", each["model"], *_IN_MEMORY)
        for each in scoring["results"]
        if (each["way"], each["processes"]) == (_ON_PAPER, 1)
    )


def _rate(
    serving: Results, server: str, model: str, way: str, images: int, *, workers: int = 0
) -> float:
    """The best of the concurrencies that were tried."""
    return max(
        cell.rate
        for cell in serving.cells
        if (cell.server, cell.model, cell.workers) == (server, model, workers)
        and (cell.scenario.way, cell.scenario.images) == (way, images)
    )
