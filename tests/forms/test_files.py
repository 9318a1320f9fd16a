"""Form files: what is wrong with one is said with file, line and reason."""

import pytest

from service.forms.files import FormError, load_form

GOOD = """\
page: {width: 150, height: 70}
found_by: none
fields:
  a: {box: [1, 2, 30, 10], kind: field, length: 5}
  b: {box: [1, 20, 30, 10], kind: digit, max_error: 0.001}
  c: {box: [1, 40, 30, 10], kind: field, required: false}
  d: {box: [50, 40, 5, 5], kind: mark}
"""


@pytest.fixture
def load(tmp_path):
    def loaded(text, name="slip.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_form(path)

    return loaded


def test_a_form_is_named_after_its_file_and_its_version_changes_with_it(load):
    form, other = load(GOOD), load(GOOD + "checks: []\n")

    assert form.name == "slip"
    assert len(form.version) == 8
    assert form.version != other.version
    assert load(GOOD + "version: 3\n").version == "3"


def test_the_error_rate_of_a_form_is_shared_by_all_fields_without_their_own(load):
    form = load(GOOD + "max_error: 0.021\n")

    assert form.options("a").max_error == pytest.approx(0.01)
    assert form.options("b").max_error == 0.001
    assert form.options("c").max_error == pytest.approx(0.01)
    assert form.options("d") is None


def test_fractions_are_of_width_and_height(load):
    text = "page: {width: 200, height: 100, unit: fraction}\nfound_by: none\nfields:\n"

    form = load(text + "  a: {box: [0.1, 0.2, 0.5, 0.3], kind: field}\n")

    assert form.boxes["a"] == pytest.approx((20, 20, 100, 30))


@pytest.mark.parametrize(
    ("added", "line", "reason"),
    [
        ("  e: {box: [20, 22, 30, 10], kind: field}\n", 8, "fields.e.box: overlaps the box of b"),
        ("  e: {box: [140, 2, 11, 10], kind: field}\n", 8, "fields.e.box: is not within the page"),
        ("  e: {box: [90, 2, 0, 10], kind: mark}\n", 8, "width and height are above 0"),
        ("  e: {box: [90, 2, 5, 5], kind: stamp}\n", 8, "must be one of digit, field, mark"),
        ("  e:\n    box: [90, 2, 5, 5]\n    kind: mark\n    colour: 1\n", 11, "is not known"),
        ("  e: {box: [90, 2, 5, 5], kind: mark, length: 3}\n", 8, "is not for kind: mark"),
        ("  e: {box: [90, 2, 5, 5], kind: field, length: 3, checksum: aba}\n", 8, "needs 9 digits"),
        ("  a: {box: [90, 2, 5, 5], kind: mark}\n", 8, "a is there twice"),
        ("  error: {box: [90, 2, 5, 5], kind: mark}\n", 8, "is a column of every table"),
        ("  e: {box: [90, 2, 5, .nan], kind: mark}\n", 8, "must be a finite number"),
        ("checks:\n  - {equal: [a, b]}\n  - {equal: [a, z]}\n", 10, "names z, which is no field"),
        ("checks:\n  - {sum: [a, d], equals: b}\n", 9, "names d, which is a mark"),
        ("checks:\n  - {sum: [a]}\n", 9, "must be {sum: [a, b], equals: c}"),
        ("max_error: 0.001\n", 8, "is used up by the max_error of the fields"),
        ("reference: blank.png\n", 8, "for found_by: reference"),
        ("checks: [\n", 9, "while parsing|expected the node"),
        ("other: &a [*a]\n", 8, "aliases and tags"),
        ("other: !!int x\n", 8, "aliases and tags"),
        ("other: [[[[[[[[[[[1]]]]]]]]]]]\n", 8, "too deep"),
        ("  e: {box: [90, 2, 5, 1.0e-6], kind: mark}\n", 8, "is too small"),
    ],
)
def test_a_fault_is_reported_with_its_line(load, added, line, reason):
    with pytest.raises(FormError, match=rf"^slip\.yaml:{line}: .*({reason})".replace("[", r"\[")):
        load(GOOD + added)


@pytest.mark.parametrize("content", [b"", b"- 1\n", b"\x00\x01", b"\xff\xfe\x00", b"[" * 20_000])
def test_a_file_that_is_no_form_is_an_error(load, content):
    with pytest.raises(FormError, match=r"^slip\.yaml:1: "):
        load(content)
