"""`numeral export-feedback`: what people said is right, as a data set to train on."""

from pathlib import Path

import typer

from service.errors import FeedbackUnavailable

_NOTHING = 1
_NO_DATABASE = 3


def run(url: str, out: Path) -> int:
    """Write the data set into `out` from the database at `url`; the exit status."""
    # They want the extra feedback.
    from service.feedback.export import dataset_of, write_dataset  # noqa: PLC0415
    from service.feedback.store import Store  # noqa: PLC0415

    store = Store(url, create=False)
    try:
        rows = store.labelled_digits()
    except FeedbackUnavailable as error:
        return _failed(
            _NO_DATABASE,
            f"{error}; --feedback-database or NUMERAL_FEEDBACK_DATABASE names the service's own",
        )
    finally:
        store.close()
    dataset = dataset_of(rows)
    if not dataset.train and not dataset.test:
        return _failed(
            _NOTHING,
            f"{store} holds no digit with picture and right answer; pictures are kept where the"
            " service has NUMERAL_FEEDBACK_IMAGES=true",
        )
    try:
        write_dataset(dataset, out)
    except OSError as error:
        raise typer.BadParameter(
            f"{out}: cannot be written: {error.strerror}", param_hint="--out"
        ) from error
    left_out = ", ".join(f"{count} {reason}" for reason, count in dataset.left_out.items() if count)
    typer.echo(
        f"{out}: digits to train on: {len(dataset.train)}, to test with: {len(dataset.test)}"
        + (f"; left out: {left_out}" if left_out else "")
    )
    return 0


def _failed(status: int, message: str) -> int:
    typer.echo(f"error: {message}", err=True)
    return status
