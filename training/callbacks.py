"""Keras callbacks that record a training; all of them count epochs from 1, as people do."""

import time

import keras

from training.runs import Run, RunError


class EpochTimer(keras.callbacks.Callback):
    """Adds the seconds of each epoch to its logs; must precede callbacks that write them."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the timer; called by Keras."""
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Log the elapsed seconds; called by Keras."""
        if logs is not None:
            # With several outputs Keras names the accuracy after its output.
            for name in [name for name in logs if name.endswith("probabilities_accuracy")]:
                logs[name.replace("probabilities_", "")] = logs.pop(name)
            logs["seconds"] = time.perf_counter() - self._begin


class History(keras.callbacks.CSVLogger):
    """Writes one line per epoch to a CSV file."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the line; called by Keras, which counts from 0."""
        super().on_epoch_end(epoch + 1, logs)


class TensorBoard(keras.callbacks.TensorBoard):
    """Writes loss, accuracy and the graph of the network for TensorBoard, into the run's folder.

    Raises:
        RunError: TensorBoard is not installed.
    """

    def __init__(self, run: Run) -> None:
        try:
            import tensorboard  # noqa: F401, PLC0415 - only this callback needs it
        except ImportError as error:
            raise RunError(
                "--tensorboard requires TensorBoard: pip install tensorboard, or the extra training"
            ) from error
        super().__init__(run.tensorboard_folder)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the figures; called by Keras, which counts from 0."""
        super().on_epoch_end(epoch + 1, logs)


def backup(run: Run) -> keras.callbacks.Callback:
    """Return the callback that makes `run` resumable.

    It comes last, so that an epoch counts as finished only after everything about it is written.
    """
    return keras.callbacks.BackupAndRestore(
        run.backup_folder, double_checkpoint=True, delete_checkpoint=False
    )
