"""From the images of a request to the pipeline's form, and from its answers to results."""

from itertools import islice

import numpy as np

from models.manifest import DIGITS
from service.api.errors import MOST_FAULTS, InvalidRequest
from service.api.schemas import Fault
from service.api.v2.contract import IMAGE_BYTES
from service.api.v2.outputs import Results
from service.imaging import Normalised, UnreadableImage
from service.inference.sessions import Images, Scored
from service.pipeline import Pipeline, Prepared, Reading


def as_they_are(images: Images) -> Prepared:
    """`images`, uint8 [N, 28, 28], as if they had been decoded; one of a single tone is blank."""
    blank = (images.min(axis=(1, 2)) == images.max(axis=(1, 2))).tolist()
    return Prepared(list(map(Normalised, images, blank)))


def require_readable(prepared: Prepared) -> None:
    """Make sure that every file was an image: the protocol has no way to answer for a part.

    Raises:
        InvalidRequest: some cannot be read; it names them.
    """
    unreadable = (
        Fault(where=f"{IMAGE_BYTES.name}[{index}]", what=str(item))
        for index, item in enumerate(prepared.items)
        if isinstance(item, UnreadableImage)
    )
    if faults := list(islice(unreadable, MOST_FAULTS)):
        raise InvalidRequest(faults)


def results(pipeline: Pipeline, prepared: Prepared, scored: Scored) -> Results:
    """What readable images say, given what the model says of those that are not blank."""
    outcomes = pipeline.answer(prepared, scored)
    shown = [isinstance(item, Normalised) and not item.blank for item in prepared.items]
    logits = np.zeros((len(shown), DIGITS), np.float32)
    logits[shown] = scored.logits
    return Results(logits, [outcome.answer for outcome in outcomes if isinstance(outcome, Reading)])
