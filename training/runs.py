"""A training run on disk: where its files are and what it was asked to do.

runs/lenet5/baseline-e10-b128-s1/
    config.json  history.csv  model.keras  history.png  predictions.png  confusion.png
"""

import json
from csv import DictReader, DictWriter
from dataclasses import dataclass
from pathlib import Path

import keras
from pydantic import TypeAdapter, ValidationError

from training.recipes import Recipe


class RunError(Exception):
    """A run's folder is missing, unfinished, or holds another run."""


@dataclass(frozen=True)
class RunConfig:
    """What decides a run's result, but for the order of floating-point sums.

    A run that was interrupted sees the same images as one that was not, but other dropout.
    """

    model: str
    recipe: Recipe
    seed: int
    train_images: int
    validation_images: int
    limited: bool = False
    teachers: tuple[str, ...] = ()  # model/run
    initial: str | None = None
    also: str | None = None  # digest of the digits that were learnt from besides

    @property
    def run_name(self) -> str:
        """A name that is the same whenever the run is, so that the same command resumes it."""
        recipe = self.recipe
        limit = f"-n{self.train_images}" if self.limited else ""
        teachers = "".join(f"-from-{teacher.replace('/', '-')}" for teacher in self.teachers)
        initial = f"-after-{Path(self.initial).name}" if self.initial else ""
        also = f"-and-{self.also}" if self.also else ""
        settings = f"{recipe.name}-e{recipe.epochs}-b{recipe.batch_size}-s{self.seed}"
        return f"{settings}{limit}{teachers}{initial}{also}"


_CONFIG = TypeAdapter(RunConfig)


@dataclass(frozen=True)
class Run:
    """The folder of a run and the names of what is in it."""

    folder: Path

    @property
    def config_file(self) -> Path:
        """What the run was asked to do."""
        return self.folder / "config.json"

    @property
    def history_file(self) -> Path:
        """A line an epoch: loss and accuracy, on training and validation images, and seconds."""
        return self.folder / "history.csv"

    @property
    def model_file(self) -> Path:
        """The trained model; it exists only once the run has finished."""
        return self.folder / "model.keras"

    @property
    def h5_file(self) -> Path:
        """The trained model in Keras' older format."""
        return self.folder / "model.h5"

    @property
    def history_plot(self) -> Path:
        """The curves of the history."""
        return self.folder / "history.png"

    @property
    def predictions_plot(self) -> Path:
        """A grid of test images with the answers given."""
        return self.folder / "predictions.png"

    @property
    def confusion_plot(self) -> Path:
        """The confusion matrix on the test set."""
        return self.folder / "confusion.png"

    @property
    def backup_folder(self) -> Path:
        """The state after the last whole epoch of a run that has not finished."""
        return self.folder / "backup"

    @property
    def name(self) -> str:
        """Architecture and run: model/run.

        Raises:
            RunError: the folder holds no run.
        """
        return f"{self.config().model}/{self.folder.name}"

    def config(self) -> RunConfig:
        """Read what the run was asked to do.

        Raises:
            RunError: the folder holds no run.
        """
        try:
            return _CONFIG.validate_json(self.config_file.read_bytes())
        except OSError as error:
            raise RunError(f"{self.folder}: holds no training run ({error.strerror})") from error
        except ValidationError as error:
            raise RunError(f"{self.config_file}: describes no training run ({error})") from error

    @property
    def milestones_file(self) -> Path:
        """Epoch, loss and accuracy on the test images, for the epochs that the study shows."""
        return self.folder / "milestones.csv"

    def history(self) -> list[dict[str, float]]:
        """The lines of the history, an epoch each."""
        with self.history_file.open(newline="") as lines:
            return [{key: float(value) for key, value in row.items()} for row in DictReader(lines)]

    def finished_epochs(self) -> int:
        """How many epochs an interrupted run will not repeat: what its backup says."""
        metadata = self.backup_folder / "training_metadata.json"
        try:
            return int(json.loads(metadata.read_bytes())["epoch"])
        except (OSError, ValueError, KeyError):
            return 0

    def cut_history(self, epochs: int) -> None:
        """Drop what the history holds beyond `epochs`, as after an interruption between files."""
        if not self.history_file.exists():
            return
        rows = self.history()[:epochs]
        if not rows:
            self.history_file.unlink()
            return
        with self.history_file.open("w", newline="") as lines:
            writer = DictWriter(lines, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "epoch": int(row["epoch"])} for row in rows)

    def prepare(self, config: RunConfig) -> None:
        """Make the folder for `config`, or check that it is there for the same one.

        Raises:
            RunError: the folder holds a run of another configuration.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.config_file.exists() and self.config() != config:
            raise RunError(f"{self.folder}: holds another run ({self.config()}); remove it first")
        self.config_file.write_bytes(_CONFIG.dump_json(config, indent=2) + b"\n")

    def save_model(self, model: keras.Model) -> None:
        """Write the trained model, whole or not at all."""
        unfinished = self.folder / "unfinished.keras"
        model.save(unfinished)
        unfinished.replace(self.model_file)

    def load_model(self) -> keras.Model:
        """Load the trained model.

        Raises:
            RunError: the run has not finished, or its file cannot be read.
        """
        if not self.model_file.exists():
            raise RunError(
                f"{self.folder}: has no {self.model_file.name}; give the folder of a finished run"
            )
        try:
            return keras.models.load_model(self.model_file)
        except (OSError, ValueError) as error:
            raise RunError(f"{self.model_file}: cannot be loaded ({error})") from error
