"""A training run on disk: its files and its configuration.

runs/lenet5/baseline-e10-b128-s1/
    config.json  history.csv  model.keras  history.png  predictions.png  confusion.png
"""

import json
from csv import DictReader, DictWriter
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from training.recipes import Recipe

if TYPE_CHECKING:
    import keras


class RunError(Exception):
    """The folder of a run is missing, unfinished, or contains another run."""


@dataclass(frozen=True)
class RunConfig:
    """Everything that determines the result of a run, except the order of floating-point sums.

    An interrupted run sees the same images as an uninterrupted one, but different dropout.
    """

    model: str
    recipe: Recipe
    seed: int
    train_images: int
    validation_images: int
    limited: bool = False
    teachers: tuple[str, ...] = ()  # model/run
    initial: str | None = None
    also: str | None = None  # hash of the additional training digits
    fold: str | None = None  # held out, such as 1/4
    everything: bool = False  # nothing held out
    negatives: str | None = None  # hash of the characters that are no digits
    pictures: str | None = None  # hash of the digits cut out of pages

    @property
    def run_name(self) -> str:
        """Name of the run; the same configuration has the same name, so that it can be resumed."""
        recipe = self.recipe
        limit = f"-n{self.train_images}" if self.limited else ""
        teachers = "".join(f"-from-{teacher.replace('/', '-')}" for teacher in self.teachers)
        initial = f"-after-{Path(self.initial).name}" if self.initial else ""
        also = f"-and-{self.also}" if self.also else ""
        fold = f"-fold{self.fold.replace('/', 'of')}" if self.fold else ""
        everything = "-all" if self.everything else ""
        settings = f"{recipe.name}-e{recipe.epochs}-b{recipe.batch_size}-s{self.seed}"
        return f"{settings}{limit}{teachers}{initial}{also}{fold}{everything}"


_CONFIG = TypeAdapter(RunConfig)


@dataclass(frozen=True)
class Run:
    """The folder of a run and its files."""

    folder: Path

    @property
    def config_file(self) -> Path:
        """Configuration."""
        return self.folder / "config.json"

    @property
    def history_file(self) -> Path:
        """One line per epoch, from 1: loss and accuracy, training and validation, and seconds."""
        return self.folder / "history.csv"

    @property
    def model_file(self) -> Path:
        """The trained model; exists only when the run has finished."""
        return self.folder / "model.keras"

    @property
    def h5_file(self) -> Path:
        """The trained model in Keras's older format."""
        return self.folder / "model.h5"

    @property
    def history_plot(self) -> Path:
        """Plot of the history."""
        return self.folder / "history.png"

    @property
    def predictions_plot(self) -> Path:
        """Plot of test images with the answers."""
        return self.folder / "predictions.png"

    @property
    def confusion_plot(self) -> Path:
        """Plot of the confusion matrix on the test set."""
        return self.folder / "confusion.png"

    @property
    def tensorboard_folder(self) -> Path:
        """Logs for TensorBoard, if requested."""
        return self.folder / "tensorboard"

    @property
    def backup_folder(self) -> Path:
        """State after the last complete epoch of an unfinished run."""
        return self.folder / "backup"

    @property
    def name(self) -> str:
        """Name with the architecture: model/run.

        Raises:
            RunError: the folder contains no run.
        """
        return f"{self.config().model}/{self.folder.name}"

    def config(self) -> RunConfig:
        """Read the configuration.

        Raises:
            RunError: the folder contains no run.
        """
        try:
            return _CONFIG.validate_json(self.config_file.read_bytes())
        except OSError as error:
            raise RunError(f"{self.folder}: contains no training run ({error.strerror})") from error
        except ValidationError as error:
            raise RunError(f"{self.config_file}: is no training run ({error})") from error

    @property
    def milestones_file(self) -> Path:
        """Epoch, loss and accuracy on the test images, for the epochs in the study."""
        return self.folder / "milestones.csv"

    def history(self) -> list[dict[str, float]]:
        """Return the lines of the history, one per epoch; NaN for what was not measured."""
        with self.history_file.open(newline="") as lines:
            return [
                {key: nan if value == "NA" else float(value) for key, value in row.items()}
                for row in DictReader(lines)
            ]

    def finished_epochs(self) -> int:
        """Return the number of epochs in the backup, which will not be repeated."""
        metadata = self.backup_folder / "training_metadata.json"
        try:
            return int(json.loads(metadata.read_bytes())["epoch"])
        except (OSError, ValueError, KeyError):
            return 0

    def cut_history(self, epochs: int) -> None:
        """Drop the lines of the history after `epochs`, written before an interruption."""
        if not self.history_file.exists():
            return
        rows = self.history()[:epochs]
        if not rows:
            self.history_file.unlink()
            return
        with self.history_file.open("w", newline="") as lines:
            writer = DictWriter(lines, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "epoch": epoch} for epoch, row in enumerate(rows, 1))

    def prepare(self, config: RunConfig) -> None:
        """Create the folder for `config`, or check that it has the same configuration.

        Raises:
            RunError: the folder contains a run with another configuration.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.config_file.exists() and self.config() != config:
            raise RunError(
                f"{self.folder}: contains another run ({self.config()}); remove it first"
            )
        self.config_file.write_bytes(_CONFIG.dump_json(config, indent=2) + b"\n")

    def save_model(self, model: "keras.Model") -> None:
        """Write the trained model atomically."""
        unfinished = self.folder / "unfinished.keras"
        model.save(unfinished)
        unfinished.replace(self.model_file)

    def load_model(self) -> "keras.Model":
        """Load the trained model.

        Raises:
            RunError: the run has not finished, or its file cannot be read.
        """
        if not self.model_file.exists():
            raise RunError(
                f"{self.folder}: has no {self.model_file.name}; pass the folder of a finished run"
            )
        # Imported here because Keras takes seconds to import and the files do not need it.
        import keras  # noqa: PLC0415

        try:
            return keras.models.load_model(self.model_file)
        except (OSError, ValueError) as error:
            raise RunError(f"{self.model_file}: cannot be loaded ({error})") from error
