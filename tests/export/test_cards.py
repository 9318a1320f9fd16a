"""The pages about the published models come from the manifest, and are up to date."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="requires the extra 'training'")
pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")

from export.cards import with_table, write_cards
from models.manifest import PACKAGE_DIRECTORY, load_manifest
from tests.commands import run_here
from tests.strips import bars_card

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def cards():
    return load_manifest(PACKAGE_DIRECTORY).models


@pytest.fixture(scope="module")
def written(cards, tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    write_cards(cards, folder, load_manifest(PACKAGE_DIRECTORY).readers)
    return folder


def test_a_reader_has_a_card_of_its_own(cards, tmp_path):
    reader = bars_card()

    write_cards(cards[:1], tmp_path, [reader])

    assert "(models/reader.md)" in (tmp_path / "models.md").read_text()
    page = (tmp_path / "models" / "reader.md").read_text()
    assert reader.version in page
    assert "none found" in page
    assert "| 1.00% | 0.900000 | composed strips | 100.00% | 0 of 1 | 100.00% | 0 of 1 |" in page
    assert (tmp_path / "models" / "reader.png").read_bytes().startswith(b"\x89PNG")


def test_every_model_has_a_card_and_a_reliability_plot(cards, written):
    for card in cards:
        assert card.version in (written / "models" / f"{card.name}.md").read_text()
        plot = (written / "models" / f"{card.name}.png").read_bytes()
        assert plot.startswith(b"\x89PNG")


def test_a_point_without_a_threshold_says_so(cards, tmp_path):
    points = tuple(
        point.model_copy(update={"threshold": None}) for point in cards[0].operating_points
    )
    write_cards([cards[0].model_copy(update={"operating_points": points})], tmp_path)

    assert "none found" in (tmp_path / "models" / f"{cards[0].name}.md").read_text()


def test_pages_and_readme_are_written_only_where_told(tmp_path, monkeypatch):
    readme = "before\n<!-- models: x -->\n| old |\n<!-- /models -->\nafter\n"
    (tmp_path / "README.md").write_text(readme)
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)

    run_here("export.cards")

    assert (tmp_path / "exported" / "docs" / "models.md").is_file()
    assert list((tmp_path / "docs").iterdir()) == []
    assert (tmp_path / "README.md").read_text() == readme

    run_here("export.cards", "--readme", "README.md")

    assert "| old |" not in (tmp_path / "README.md").read_text()
    missing = run_here("export.cards", "--readme", "none.md", check=False)
    assert missing.stderr == "error: none.md: No such file or directory\n"


def test_the_table_between_the_markers_of_a_readme_is_updated(cards):
    readme = "before\n<!-- models: x -->\n| old |\n<!-- /models -->\nafter\n"

    lines = with_table(readme, cards[:1]).splitlines()

    assert lines[:2] == ["before", "<!-- models: x -->"]
    assert lines[4].startswith(f"| `{cards[0].name}` | {cards[0].parameters:,} |")
    assert lines[5:] == ["<!-- /models -->", "after"]


def test_the_table_of_the_committed_readme_is_that_of_the_manifest(cards):
    readme = (DOCS.parent / "README.md").read_text()

    assert with_table(readme, cards) == readme


def test_the_committed_pages_are_those_of_the_manifest(written):
    pages = sorted(path.relative_to(written) for path in written.rglob("*.md"))
    committed = sorted(
        path.relative_to(DOCS) for path in (DOCS / "models.md", *(DOCS / "models").glob("*.md"))
    )

    assert committed == pages
    for page in pages:
        assert (DOCS / page).read_text() == (written / page).read_text()
