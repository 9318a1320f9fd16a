"""From the images of a request to what the engine takes, and from its outcomes to readings."""

from collections.abc import Sequence
from itertools import islice

from service.api.v2.contract import IMAGE_BYTES
from service.errors import MAX_FAULTS, Fault, InvalidRequest
from service.imaging import Normalised, UnreadableImage
from service.inference.digits import Content, Outcome, Reading
from service.inference.sessions import Images


def contents_of(images: Images | list[bytes]) -> Sequence[Content]:
    """Files as they are, pixels uint8 [N, 28, 28] as normalised ones; of a single tone is blank."""
    if isinstance(images, list):
        return images
    blank = (images.min(axis=(1, 2)) == images.max(axis=(1, 2))).tolist()
    return list(map(Normalised, images, blank))


def readable(outcomes: Sequence[Outcome]) -> list[Reading]:
    """The readings, if every file was an image: the protocol has no way to answer for a part.

    Raises:
        InvalidRequest: some cannot be read; it names them.
    """
    unreadable = (
        Fault(where=f"{IMAGE_BYTES.name}[{index}]", what=str(outcome))
        for index, outcome in enumerate(outcomes)
        if isinstance(outcome, UnreadableImage)
    )
    if faults := list(islice(unreadable, MAX_FAULTS)):
        raise InvalidRequest(faults)
    return [outcome for outcome in outcomes if isinstance(outcome, Reading)]
