"""What `numeral score` is asked for, as a job for its workers."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.fields.constraints import Constraints
from service.inference.catalogue import Catalogue
from service.inference.digits import DigitOptions, Preprocess
from service.inference.fields import FieldOptions
from service.scoring.digits import Digits
from service.scoring.fields import Fields
from service.scoring.formats import JsonLines, choose_format
from service.scoring.scorer import Job
from service.settings import Settings
from service.version import version


@dataclass(frozen=True)
class ByRay:
    """What the command line asks for besides, where Ray is to do it.

    Attributes:
        folder: where the results go, a path or an address.
        address: of the cluster; None: one of its own on this machine.
        column: where the pictures of Parquet files are; None: the one column of bytes.
    """

    folder: str
    address: str | None
    column: str | None


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    Attributes:
        sources: as they were given.
        out: the file to write; None: standard output.
        model: None leaves it to the settings, as with `max_error`.
        preprocess: what happens to pictures of single digits.
        constraints: what is known of fields; None: the pictures are of single digits.
        by_ray: where Ray is to write; None: this machine's processes do, to `out`.
    """

    sources: tuple[str, ...]
    out: Path | None
    model: str | None
    max_error: float | None
    preprocess: str
    constraints: Constraints | None
    by_ray: ByRay | None = None


def job_of(settings: Settings, asked: Asked, catalogue: Catalogue) -> Job:
    """The job, with all that is not asked for from the settings.

    Raises:
        UnknownModel, ModelUnavailable, UnsupportedMaxError: as `Catalogue.digits` says.
        UnknownFormat: no format is written under such a name.
    """
    name = Path("results.parquet") if asked.by_ray else asked.out
    how = JsonLines() if name is None else choose_format(name)
    return Job(_what(settings, asked, catalogue), how, settings.max_body_bytes)


def described(settings: Settings, asked: Asked, job: Job) -> dict[str, Any]:
    """All on which the rows depend, as JSON can hold it: who goes on has to ask for the same."""
    fields = asked.constraints is not None
    default = settings.field_max_error if fields else settings.max_error
    return {
        "version of numeral": version(),
        "sources": list(asked.sources),
        "working folder": str(Path.cwd()),
        "model": f"{job.what.card.name} {job.what.card.version}",
        "max_error": default if asked.max_error is None else asked.max_error,
        "preprocess": asked.preprocess,
        "constraints": asdict(asked.constraints) if asked.constraints else None,
        "limits": [settings.max_body_bytes, settings.max_pixels],
        **({"column": asked.by_ray.column} if asked.by_ray else {}),
    }


def _what(settings: Settings, asked: Asked, catalogue: Catalogue) -> Digits | Fields:
    if asked.constraints is not None:
        reads = catalogue.fields(
            FieldOptions(asked.model, asked.max_error, asked.constraints),
            max_error=settings.field_max_error,
            max_pixels=settings.max_pixels,
        )
        card, threshold = reads.reader.card, reads.threshold
        return Fields(settings.models_dir, card, threshold, asked.constraints, settings.max_pixels)
    pipeline = catalogue.digits(
        DigitOptions(asked.model, asked.max_error, Preprocess(asked.preprocess)),
        max_error=settings.max_error,
        max_pixels=settings.max_pixels,
    )
    return Digits(
        settings.models_dir,
        pipeline.classifier.card,
        pipeline.criteria,
        pipeline.preprocess,
        settings.max_pixels,
    )
