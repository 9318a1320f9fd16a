"""`numeral export-feedback`: corrected digits as a data set to train on."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import read_settings
from service.cli.output import print_error
from service.settings import FEEDBACK_DATABASE, Settings

_NOTHING = 1
_NO_DATABASE = 3


def export_feedback(
    *,
    out: Annotated[
        Path,
        typer.Option(
            metavar="<path>",
            file_okay=False,
            help="Folder for MNIST's four files and feedback.json.",
        ),
    ],
    feedback_database: Annotated[
        str | None,
        typer.Option(
            envvar="NUMERAL_FEEDBACK_DATABASE",
            help=Settings.model_fields["feedback_database"].description,
        ),
    ] = None,
) -> None:
    """Export the digits that people corrected or confirmed as a data set for python -m training.

    Examples:
      numeral export-feedback --out mine
      numeral export-feedback --out mine --feedback-database sqlite:///feedback.db

    Exit status:
      0  the data set is written
      1  there are no such digits
      2  the command line is wrong
      3  the database cannot be used
    """
    settings = read_settings(feedback=True, feedback_database=feedback_database)
    raise typer.Exit(_export(settings.feedback_database or FEEDBACK_DATABASE, out))


def _export(url: str, out: Path) -> int:
    # They require the extra `feedback`.
    from service.errors import FeedbackUnavailable
    from service.feedback.export import dataset_of, write_dataset
    from service.feedback.store import Store

    store = Store(url, create=False)
    try:
        rows = store.labelled_digits()
    except FeedbackUnavailable as error:
        print_error(
            f"{error}; set --feedback-database or NUMERAL_FEEDBACK_DATABASE to the service's own"
        )
        return _NO_DATABASE
    finally:
        store.close()
    dataset = dataset_of(rows)
    if not dataset.train and not dataset.test:
        print_error(
            f"{store} has no digit with a picture and a right answer; the service keeps pictures"
            " if NUMERAL_FEEDBACK_IMAGES=true"
        )
        return _NOTHING
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
