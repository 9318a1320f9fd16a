"""Calibrations: thresholds that were chosen on a user's own labelled pictures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import AwareDatetime, Field, ValidationError
from pydantic_core import from_json

from models.error_rates import (
    Confidences,
    Correct,
    accepted_missing,
    choose_threshold,
    fit_temperature,
    select,
)
from models.manifest import ModelCard, read_regular_file
from models.reader_card import ReaderCard
from models.records import Count, OperatingPoints, Point, Selection
from service.drift import Distribution, Feature
from service.errors import UnusableCalibration
from service.imaging import Ink
from service.inference.decisions import Reason, soften, soften_alone
from service.inference.digits import Reading
from service.inference.fields import FieldReading

_SUFFIX = ".json"
_LEAST = 1e-12  # probabilities closer to 0 are clipped before their logarithm
_DECIMALS = 6  # of a confidence in a bin; the rest depends on the company in a micro-batch


class CalibratedPoint(Point):
    """A threshold on the calibrated confidence, and what it does on the labelled pictures."""

    found: Selection
    missing: Count = Field(
        description="How many more accepted pictures, all of them right, would show `max_error`; 0"
        " if it is shown."
    )


class Calibration(OperatingPoints[CalibratedPoint]):
    """Operating points of a model on a user's own pictures."""

    schema_version: Literal[1] = 1
    # How requests refer to it; the name of its file.
    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    model: str
    version: str = Field(description="Version of the model; the calibration is for no other.")
    created: AwareDatetime
    labels: str = Field(description="Where the right answers came from.")
    pictures: Count = Field(description="Labelled pictures that could be read.")
    right: Count = Field(description="How many of them the model read correctly.")
    # Divides the logarithms of the model's probabilities. Fitted ones are far within these bounds;
    # further out, every power is 0.
    temperature: float = Field(ge=0.01, le=100.0)
    # What recent pictures are compared with; none in files of earlier versions.
    distributions: dict[Feature, Distribution] = Field(
        default={}, description="Features of the pictures that the model could read."
    )

    def save(self, path: Path) -> None:
        """Write the calibration to `path`, whose stem becomes its name."""
        path.write_text(self.model_dump_json(indent=2, exclude={"name"}) + "\n")


def calibrate(
    readings: Sequence[Reading | FieldReading],
    texts: Sequence[str],
    *,
    name: str,
    labels: str,
    inks: Sequence[Ink | None] = (),
) -> Calibration:
    """Fit a temperature, and choose a threshold for each error rate of the model by exact tests.

    There is at least one of `readings`, all by one model; `texts` are the right ones, empty where
    nothing is written, and `labels` says where they came from.
    """
    card = readings[0].card
    pairs = zip(readings, texts, strict=True)
    correct = np.array([(each.answer.text or "") == text for each, text in pairs])
    temperature = _temperature(readings, texts, correct)
    # A picture with another reason for review is never accepted.
    confidences = np.array(
        [
            0.0
            if set(each.answer.reasons) - {Reason.LOW_CONFIDENCE.value}
            else _confidence(each, temperature)
            for each in readings
        ]
    )
    return Calibration(
        name=name,
        model=card.name,
        version=card.version,
        created=datetime.now(UTC).replace(microsecond=0),
        labels=labels,
        pictures=len(readings),
        right=int(correct.sum()),
        temperature=temperature,
        distributions=_distributions(readings, temperature, inks or [None] * len(readings)),
        operating_points=tuple(
            _point(confidences, correct, point.max_error) for point in card.operating_points
        ),
    )


def features_of(confidence: float, ink: Ink | None) -> dict[Feature, float | None]:
    """Return what is compared of a picture; nothing of one without a reading."""
    if not confidence:
        return {}
    height, contrast, stroke = ink or (None, None, None)
    return {
        "confidence": round(confidence, _DECIMALS),
        "height": height,
        "contrast": contrast,
        "stroke": stroke,
    }


def load_calibrations(
    directory: Path | None, cards: Mapping[str, ModelCard | ReaderCard]
) -> tuple[dict[str, Calibration], dict[str, str]]:
    """Load the calibrations of `directory`: the usable ones, and why the others are not.

    A missing directory has none: calibrations may be added while the service runs.
    """
    usable: dict[str, Calibration] = {}
    failures: dict[str, str] = {}
    for path in sorted(directory.glob(f"*{_SUFFIX}")) if directory else ():
        try:
            usable[path.stem] = _load(path, cards)
        except UnusableCalibration as error:
            failures[path.stem] = str(error)
    return usable, failures


def _load(path: Path, cards: Mapping[str, ModelCard | ReaderCard]) -> Calibration:
    try:
        document = from_json(read_regular_file(path))
        if isinstance(document, dict):
            document["name"] = path.stem
        calibration = Calibration.model_validate(document)
    except OSError as error:
        raise UnusableCalibration(f"it cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UnusableCalibration(f"it is no calibration: {where}: {first['msg']}") from error
    except ValueError as error:
        raise UnusableCalibration(f"it is not JSON: {error}") from error
    card = cards.get(calibration.model)
    if card is None:
        raise UnusableCalibration(f"it is for {calibration.model}, and there is no such model")
    if card.version != calibration.version:
        raise UnusableCalibration(
            f"it is for version {calibration.version} of {card.name}, which is now {card.version};"
            " run numeral calibrate again"
        )
    return calibration


def _temperature(
    readings: Sequence[Reading | FieldReading], texts: Sequence[str], correct: Correct
) -> float:
    """Fit a temperature to the pictures that have an answer; 1 without a mistake among them."""
    if correct.all():
        return 1.0
    scores, classes = [], []
    for reading, text, is_right in zip(readings, texts, correct.tolist(), strict=True):
        if isinstance(reading, FieldReading):
            # Right and wrong are two classes.
            sure = reading.answer.confidence
            scores.append(np.log(np.maximum([sure, 1 - sure], _LEAST)))
            classes.append(0 if is_right else 1)
        elif reading.answer.digit is not None and len(text) == 1:
            scores.append(np.log(np.maximum(reading.answer.probabilities, _LEAST)))
            classes.append(int(text))
    return fit_temperature(np.array(scores), np.array(classes)) if scores else 1.0


def _confidence(reading: Reading | FieldReading, temperature: float) -> float:
    if isinstance(reading, FieldReading):
        return soften_alone(reading.answer.confidence, temperature)
    confidence = float(soften(reading.answer.probabilities, temperature).max())
    return confidence * (1.0 - (reading.outlier or 0.0))


def _distributions(
    readings: Sequence[Reading | FieldReading], temperature: float, inks: Sequence[Ink | None]
) -> dict[Feature, Distribution]:
    values: defaultdict[Feature, list[float]] = defaultdict(list)
    for reading, ink in zip(readings, inks, strict=True):
        confidence = _confidence(reading, temperature) if reading.confidence else 0.0
        for feature, value in features_of(confidence, ink).items():
            if value is not None:
                values[feature].append(value)
    found = {feature: Distribution.of(each) for feature, each in values.items()}
    return {feature: each for feature, each in found.items() if each}


def _point(confidences: Confidences, correct: Correct, max_error: float) -> CalibratedPoint:
    threshold = choose_threshold(confidences, correct, max_error)
    return CalibratedPoint(
        max_error=max_error,
        threshold=threshold,
        found=select(confidences, correct, threshold),
        missing=0 if threshold else accepted_missing(confidences, correct, max_error),
    )
