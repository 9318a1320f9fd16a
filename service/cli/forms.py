"""`numeral forms`: form files, checked against a picture."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import ModelsDir, read_settings
from service.cli.output import choose_form, print_error

app = typer.Typer(no_args_is_help=True, help="Check form files.")

_UNREAD = 1
_KINDS = {"digit": (200, 80, 0), "field": (0, 120, 0), "mark": (0, 0, 200)}  # blue, green, red


@app.callback()
def _forms() -> None:
    """Check form files."""


@app.command()
def check(
    form: Annotated[str, typer.Argument(help="A form file, or a form in NUMERAL_FORMS.")],
    *,
    picture: Annotated[
        Path | None, typer.Option(help="A scan or photo of the form, blank or filled in.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="PNG to write: the page straightened, with the boxes drawn over it."),
    ] = None,
    page: Annotated[int, typer.Option(min=1, help="Page of a PDF or a TIFF.")] = 1,
    models_dir: ModelsDir = None,
) -> None:
    """Check a form file; with a picture, find the page and read it.

    Prints what is read in each box: the value, or ? with the reasons and the best guess.

    Examples:
      numeral forms check cheque.yaml
      numeral forms check cheque.yaml --picture photo.jpg --out boxes.png

    Exit status:
      0  the form can be used, and the page was found
      1  the picture cannot be read, or the page was not found in it
      2  the form cannot be used, or OUT cannot be written
      3  no model can be used
    """
    import cv2

    from service.forms.reading import decision_of, reasons_of, text_of
    from service.forms.straighten import straight_picture
    from service.imaging import UnreadableImage

    pipeline = choose_form(form, read_settings(models_dir=models_dir))
    known = pipeline.form
    typer.echo(f"{known.name} {known.version}: fields: {len(known.fields)}")
    if picture is None:
        raise typer.Exit
    try:
        decoded = pipeline.decode(picture.read_bytes(), page)
    except (OSError, UnreadableImage) as error:
        print_error(f"{picture}: {error}")
        raise typer.Exit(_UNREAD) from error
    straight = pipeline.straighten(decoded)
    if straight.reason is not None or straight.found is None:
        print_error(f"{picture}: {straight.reason}")
        raise typer.Exit(_UNREAD)
    for name, result in pipeline.read(straight).fields.items():
        text, reasons = text_of(result) or "", " ".join(reasons_of(result))
        if decision_of(result) != "accept":
            text, reasons = "?", f"{reasons}, perhaps {text}" if text else reasons
        typer.echo(f"{name}: {text} {reasons}".rstrip())
    if out is None:
        raise typer.Exit
    whole, scale = straight_picture(decoded, known, straight.found)
    drawn = cv2.cvtColor(whole, cv2.COLOR_GRAY2BGR)
    for name, box in known.boxes.items():
        x, y, width, height = (round(scale * side) for side in box)
        colour = _KINDS[known.fields[name].kind]
        cv2.rectangle(drawn, (x, y), (x + width, y + height), colour, 2)
        cv2.putText(drawn, name, (x, max(12, y - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.6, colour, 1)
    try:
        out.write_bytes(cv2.imencode(".png", drawn)[1].tobytes())
    except OSError as error:
        raise typer.BadParameter(f"--out: {out}: {error.strerror}") from error
    per_mm = f", {scale:.4g} per mm" if known.page.unit == "mm" else ""
    typer.echo(f"{out}: {drawn.shape[1]} x {drawn.shape[0]} pixels{per_mm}", err=True)
