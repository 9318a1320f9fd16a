"""Reading strips with an exported reader, batched like in the service."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.fields.constraints import Constraints
from models.fields.decode import Hypothesis, decode
from models.strips import STRIDE, Grey, pad

_BATCH = 16

Steps = NDArray[np.float32]  # [steps, classes]


@dataclass(frozen=True)
class Outputs:
    """Logits and calibrated log-probabilities of a strip, without padding."""

    logits: Steps
    log_probabilities: Steps


def run(content: bytes, strips: Sequence[Grey]) -> list[Outputs]:
    """Run the ONNX file `content` on standardised `strips`, on the CPU."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return run_session(session, strips)


def run_session(session: onnxruntime.InferenceSession, strips: Sequence[Grey]) -> list[Outputs]:
    """Run the reader of `session` on standardised `strips`."""
    names = ["logits", "log_probabilities"]
    outputs: list[Outputs | None] = [None] * len(strips)
    for places in _by_width(strips):
        images = pad([strips[place] for place in places])
        for place, *steps in zip(places, *session.run(names, {"image": images}), strict=True):
            own = strips[place].shape[1] // STRIDE
            outputs[place] = Outputs(*(values[:own] for values in steps))
    return [output for output in outputs if output is not None]


def hypotheses(
    outputs: Sequence[Outputs],
    constraints: Callable[[int], Constraints] = lambda _: Constraints(),
) -> list[list[Hypothesis]]:
    """Return the hypotheses of each strip, best first, under the `constraints` of its position."""
    return [
        decode(output.log_probabilities, constraints(place)) for place, output in enumerate(outputs)
    ]


def _by_width(strips: Sequence[Grey]) -> list[list[int]]:
    """Group the positions of strips padded to the same width into batches."""
    buckets: defaultdict[int, list[int]] = defaultdict(list)
    for place, strip in enumerate(strips):
        buckets[pad([strip]).shape[2]].append(place)
    return [
        places[start : start + _BATCH]
        for _, places in sorted(buckets.items())
        for start in range(0, len(places), _BATCH)
    ]
