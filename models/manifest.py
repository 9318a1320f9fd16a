"""The manifest of the published models."""

import errno
import hashlib
import stat
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from models.reader_card import ReaderCard
from models.records import Card, Count, Interval, Point, Rate, Record, Reliability, Selection

MANIFEST_NAME = "manifest.json"
PACKAGE_DIRECTORY = Path(__file__).parent
IMAGE_SIDE = 28
DIGITS = 10


class ManifestError(Exception):
    """The manifest is missing, is not JSON, or does not fit the schema."""


class ModelFileError(Exception):
    """The file of a model is missing, or not the one in the manifest."""


class Evaluation(Record):
    """Measurements of the exported file on a labelled set, through ONNX Runtime."""

    images: Count
    correct: Count
    accuracy: Rate
    accuracy_interval: Interval
    per_digit_accuracy: tuple[Rate, ...] = Field(min_length=DIGITS, max_length=DIGITS)
    confusion_matrix: tuple[tuple[Count, ...], ...] = Field(
        min_length=DIGITS, max_length=DIGITS, description="Rows are labels, columns are answers."
    )


class Calibration(Record):
    """Effect of the temperature on the test set."""

    temperature: float = Field(gt=0.0, description="Divides the logits inside the graph.")
    before: Reliability
    after: Reliability


class Speed(Record):
    """Time in ONNX Runtime alone, on one thread; compare models of one manifest, not machines."""

    hardware: str
    latency_ms: float = Field(gt=0.0, description="Median time of one image.")
    images_per_second: float = Field(gt=0.0, description="In batches of 32, median.")


class StudyResult(Record):
    """Result of the plain recipe after a number of epochs (docs/reports/study.md)."""

    epochs: Count
    train_images: Count
    loss: float
    accuracy: Rate
    validation_accuracy: Rate
    test_accuracy: Rate
    seconds_per_epoch: float


class OperatingPoint(Point):
    """A threshold on the confidence, which bounds the error rate among accepted answers.

    Outliers are never accepted. `threshold` is null if no threshold was shown to keep `max_error`:
    such a point accepts nothing.
    """

    held_out: Selection = Field(description="On the held-out images that chose the threshold.")
    test: Selection = Field(description="The same threshold on the test set.")


class OutlierRule(Record):
    """Rule for pictures without a digit: too high an entropy, or more likely none than one."""

    entropy: float = Field(
        ge=0.0, description="Of the probabilities, in nats; an image above it is no digit."
    )
    scored: bool = Field(
        default=False,
        description="Whether the model has the output `outlier`, the probability that an image"
        " shows no digit: an image above a half is none, and thresholds apply to the confidence"
        " times 1 - `outlier`.",
    )
    held_out: Rate = Field(description="Share of the held-out digits taken for something else.")
    test: Rate = Field(description="Share of the test digits taken for something else.")


class ModelCard(Card[OperatingPoint]):
    """One published model."""

    quantised: bool = Field(
        default=False, description="Whether weights and activations have 8 bits."
    )
    test: Evaluation
    calibration: Calibration
    speed: Speed
    outliers: OutlierRule
    study: tuple[StudyResult, ...] = ()


class Manifest(Record):
    """All published models; `default` is the model for requests that name none."""

    schema_version: Literal[1] = 1
    default: str
    models: tuple[ModelCard, ...] = Field(min_length=1)
    readers: tuple[ReaderCard, ...] = Field(default=(), description="Field readers.")

    @model_validator(mode="after")
    def _names_are_consistent(self) -> "Manifest":
        names = [card.name for card in self.models]
        all_names = names + [reader.name for reader in self.readers]
        if len(set(all_names)) != len(all_names):
            raise ValueError(f"model names repeat: {', '.join(all_names)}")
        if self.default not in names:
            raise ValueError(f"default is {self.default!r}, the models are {', '.join(names)}")
        return self


def load_manifest(directory: Path) -> Manifest:
    """Read `directory`/manifest.json.

    Raises:
        ManifestError: the file cannot be read or does not fit the schema.
    """
    path = directory / MANIFEST_NAME
    try:
        return Manifest.model_validate_json(read_regular_file(path))
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise ManifestError(f"{path}: {_first_fault(error)}") from error


def _first_fault(error: ValidationError) -> str:
    first, *others = error.errors(include_url=False)
    more = f", and {len(others)} more" if others else ""
    where = ".".join(map(str, first["loc"])) or "the file"
    return (
        f"does not fit the manifest's schema: {where}: {first['msg']}{more};"
        ' run "python -m export" again'
    )


def read_model_file(directory: Path, card: ModelCard | ReaderCard) -> bytes:
    """Read the ONNX file of `card`, and check its SHA-256.

    Raises:
        ModelFileError: the file cannot be read, or has another SHA-256.
    """
    path = directory / card.file
    try:
        content = read_regular_file(path)
    except OSError as error:
        raise ModelFileError(
            f'{path}: cannot be read ({error.strerror}); run "python -m export" again'
        ) from error
    sha256 = sha256_of(content)
    if sha256 != card.sha256:
        raise ModelFileError(
            f"{path}: sha256 is {sha256[:8]}..., the manifest says {card.sha256[:8]}...;"
            ' run "python -m export" again'
        )
    return content


def read_regular_file(path: Path) -> bytes:
    """Read a file, but no FIFO or device, which might never end.

    Raises:
        OSError: the file cannot be read; `strerror` says why.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.read_bytes()


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of `content` as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def version_of(sha256: str) -> str:
    """Return the version of a model: the start of its file's SHA-256."""
    return sha256[:8]
