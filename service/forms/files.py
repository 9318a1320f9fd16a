"""Form files: YAML that says where the fields of a page are, and how they are read.

    form = load_form(Path("cheque.yaml"))

A reason why a file cannot be used names the file, the line, and what is wrong there.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from models.fields.constraints import Checksum, Constraints
from models.fields.formats import DecimalMark, Format, Notation, Order
from models.manifest import read_regular_file
from service.inference.digits import DigitOptions
from service.inference.fields import FieldOptions, Options
from service.settings import ErrorRate
from service.validation import faults_of

SUFFIXES = (".yaml", ".yml")

MOST_FIELDS = 200
_MOST_BYTES = 64 * 1024
_DEEPEST = 10
_NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
_FIELD_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
_VERSION_LENGTH = 8

# Sides of a page, in its unit, and of a box, as a share of the page's longer side.
_Side = Annotated[float, Field(ge=0.1, le=100_000)]
_LEAST_SIDE = 1e-4

# Boxes may touch: a hundredth of a millimetre is less than the width of any line.
_TOUCHING = 0.01

# Columns of `numeral score --form` besides the fields.
_PLACE = ("source", "member", "form", "version", "residual_px")
RESERVED = frozenset((*_PLACE, "decision", "reasons", "error_bound", "error", "detail"))

# x, y, width and height.
Box = tuple[float, float, float, float]

FieldName = Annotated[str, StringConstraints(pattern=_FIELD_NAME)]


class FormError(Exception):
    """Error for a form file that cannot be used; says where and why."""


class _Fault(ValueError):
    """A fault between several parts of a form; `at` is the path of the part to name."""

    def __init__(self, what: str, *at: str | int) -> None:
        super().__init__(what)
        self.at = at


def _above_zero(box: Box) -> Box:
    if min(box[2:]) <= 0:
        raise ValueError("must be x, y, width and height; width and height are above 0")
    return box


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PageSize(_Part):
    """The area that boxes are measured in: between the markers' outer corners, or the page."""

    width: _Side = Field(description="With `fraction`, in any unit.")
    height: _Side
    unit: Literal["mm", "fraction"] = Field(
        "mm", description="Of the boxes: millimetres, or fractions of `width` and `height`."
    )


class FormField(_Part):
    """Where a field is, and how it is read."""

    box: Annotated[Box, AfterValidator(_above_zero)] = Field(
        description="x, y, width and height, from the top left corner."
    )
    kind: Literal["digit", "field", "mark"]
    required: bool = Field(True, description="False: it may be empty.")
    max_error: ErrorRate | None = Field(None, description="By default its share of the form's.")
    format: Format | None = None
    decimal: DecimalMark | None = None
    order: Order | None = None
    length: PositiveInt | None = None
    min_length: PositiveInt | None = None
    max_length: PositiveInt | None = None
    checksum: Checksum | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> "FormField":
        names = ("format", "decimal", "order", "length", "min_length", "max_length", "checksum")
        if self.kind != "field":
            wrong = ["max_error"] if self.kind == "mark" else []
            wrong = [each for each in (*names, *wrong) if getattr(self, each) is not None]
            if wrong:
                raise _Fault(f"is not for kind: {self.kind}", wrong[0])
        else:
            self._constraints()
            Notation(self.format, self.decimal, self.order)
        return self

    def _constraints(self) -> Constraints:
        return Constraints(self.length, self.min_length, self.max_length, self.checksum)

    def options(self, max_error: float | None) -> Options | None:
        """Return how it is read, with `max_error` unless it has its own; None for a mark."""
        if self.kind == "mark":
            return None
        rate = max_error if self.max_error is None else self.max_error
        if self.kind == "digit":
            return DigitOptions(max_error=rate)
        notation = Notation(self.format, self.decimal, self.order)
        return FieldOptions(max_error=rate, constraints=self._constraints(), notation=notation)


class Check(_Part):
    """What must hold between fields: `sum` is `equals`, or all of `equal` are the same."""

    sum: Annotated[tuple[FieldName, ...], Field(min_length=1)] | None = None
    equals: FieldName | None = None
    equal: Annotated[tuple[FieldName, ...], Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Check":
        if (self.sum is None) != (self.equals is None) or (self.sum is None) == (
            self.equal is None
        ):
            raise ValueError("must be {sum: [a, b], equals: c} or {equal: [a, b]}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that it is about."""
        return self.equal or (*(self.sum or ()), self.equals or "")


class Form(_Part):
    """A form: its page, its fields, and what must hold between them."""

    name: Annotated[str, StringConstraints(pattern=_NAME)] = Field(
        description="By default the name of its file."
    )
    version: Annotated[str, BeforeValidator(str), StringConstraints(max_length=64)] = Field(
        description="By default a hash of its content."
    )
    page: PageSize
    found_by: Literal["corners", "aruco", "reference", "none"]
    reference: str | None = Field(None, description="A picture of the blank page.")
    max_error: ErrorRate | None = Field(
        None, description="Of the whole form, shared out equally among its digits and fields."
    )
    fields: dict[FieldName, FormField] = Field(min_length=1, max_length=MOST_FIELDS)
    checks: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> "Form":
        if (self.reference is None) == (self.found_by == "reference"):
            raise _Fault("is the picture of the blank page for found_by: reference", "reference")
        width, height = self.size
        for name, (x, y, w, h) in self.boxes.items():
            if name in RESERVED:
                raise _Fault("is a column of every table; use another name", "fields", name)
            if min(x, y) < -_TOUCHING or x + w > width + _TOUCHING or y + h > height + _TOUCHING:
                raise _Fault("is not within the page", "fields", name, "box")
            if min(w, h) < _LEAST_SIDE * max(self.size):
                raise _Fault("is too small to be read", "fields", name, "box")
        for (one, a), (other, b) in combinations(self.boxes.items(), 2):
            across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
            down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
            if min(across, down) > _TOUCHING:
                raise _Fault(f"overlaps the box of {one}", "fields", other, "box")
        for number, check in enumerate(self.checks):
            self._verify(check, "checks", number)
        if self.max_error is not None and self._share() <= 0:
            raise _Fault("is used up by the max_error of the fields", "max_error")
        return self

    def _verify(self, check: Check, *at: str | int) -> None:
        for name in check.names:
            if name not in self.fields:
                raise _Fault(f"names {name}, which is no field", *at)
            if self.fields[name].kind == "mark":
                raise _Fault(f"names {name}, which is a mark", *at)
        formats = {self.fields[name].format for name in check.names}
        if check.sum and formats & {"date", "zip"}:
            raise _Fault("cannot add dates or ZIP codes", *at)
        if check.equal and len(formats) > 1:
            raise _Fault("compares fields of different formats", *at)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page, in millimetres or another unit."""
        return self.page.width, self.page.height

    @cached_property
    def boxes(self) -> dict[str, Box]:
        """The box of each field, in the unit of `size`."""
        fraction = self.page.unit == "fraction"
        width, height = self.size if fraction else (1.0, 1.0)
        boxes = {name: field.box for name, field in self.fields.items()}
        return {
            name: (x * width, y * height, w * width, h * height)
            for name, (x, y, w, h) in boxes.items()
        }

    def options(self, name: str) -> Options | None:
        """Return how the field `name` is read; None for a mark."""
        return self.fields[name].options(None if self.max_error is None else self._share())

    def _share(self) -> float:
        """Return the error rate of each digit and field without its own.

        The errors of a form are at most the sum of its fields' (union bound).
        """
        read = [field for field in self.fields.values() if field.kind != "mark"]
        own = sum(field.max_error or 0.0 for field in read)
        others = sum(field.max_error is None for field in read)
        return ((self.max_error or 0.0) - own) / max(1, others)


def load_form(path: Path) -> Form:
    """Read and validate the form file at `path`.

    Raises:
        FormError: it cannot be read, or is no form; says where and why.
    """
    try:
        return form_from(read_regular_file(path), path.name)
    except OSError as error:
        raise FormError(f"{path.name}: it cannot be read ({error.strerror})") from error


def form_from(content: bytes, file: str) -> Form:
    """Validate the `content` of a form file, which may come from anyone.

    Raises:
        FormError: it is no form; says where in `file` and why.
    """
    if len(content) > _MOST_BYTES:
        raise FormError(f"{file}: it is larger than {_MOST_BYTES} bytes")
    try:
        _refuse_bombs(content)
        loader = yaml.SafeLoader(content)
        root = loader.get_single_node()
        _refuse_repeated(root)
        document = loader.construct_document(root) if root else None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FormError(f"{file}:{line}: {error.problem:.200}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FormError(f"{file}:1: it is not YAML: {error!s:.200}") from error
    if not isinstance(document, dict):
        raise FormError(f"{file}:1: it is no form: it must be keys and values")
    version = hashlib.sha256(content).hexdigest()[:_VERSION_LENGTH]
    try:
        return Form.model_validate({"name": Path(file).stem, "version": version} | document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = (*first["loc"], *getattr(first.get("ctx", {}).get("error"), "at", ()))
        [fault] = faults_of([{**first, "loc": at}])
        raise FormError(f"{file}:{_line_of(root, at)}: {fault.where}: {fault.what}") from error


def form_files(directory: Path | None) -> Iterator[Path]:
    """Yield the form files of `directory` by name; a missing one has none."""
    if directory is not None and directory.is_dir():
        yield from sorted(path for path in directory.iterdir() if path.suffix in SUFFIXES)


def _children(node: yaml.Node | None) -> Iterator[tuple[str | int, yaml.Node, yaml.Node]]:
    """Yield the key of each part of `node`, the node to name for it, and its value."""
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((number, each, each) for number, each in enumerate(node.value))


def _refuse_bombs(content: bytes) -> None:
    # A few bytes of aliases are millions of nodes, a tag can make any value fail, and each level
    # of nesting costs all later ones time.
    depth = 0
    for event in yaml.parse(content, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        tagged = isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None)
        if tagged or depth > _DEEPEST:
            what = "aliases and tags are not for forms" if tagged else "too deep for a form"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)


def _refuse_repeated(node: yaml.Node | None) -> None:
    # PyYAML takes the last of two keys: a field would be lost.
    names = set()
    for name, place, value in _children(node):
        if name in names:
            what = f"{name} is there twice"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=place.start_mark)
        names.add(name)
        _refuse_repeated(value)


def _line_of(node: yaml.Node | None, path: tuple[Any, ...]) -> int:
    line = node.start_mark.line + 1 if node else 1
    for step in path:
        found = {name: (place, value) for name, place, value in _children(node)}.get(step)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
