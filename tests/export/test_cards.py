"""The pages about the published models are made from the manifest, and are up to date."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="needs the extra 'training'")
pytest.importorskip("keras", reason="needs the extra 'training' (no TensorFlow here)")

from export.cards import write_cards
from models.manifest import PACKAGE_DIRECTORY, load_manifest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def cards():
    return load_manifest(PACKAGE_DIRECTORY).models


@pytest.fixture(scope="module")
def written(cards, tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    write_cards(cards, folder)
    return folder


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

    assert "none could be shown" in (tmp_path / "models" / f"{cards[0].name}.md").read_text()


def test_the_committed_pages_are_those_of_the_manifest(written):
    pages = sorted(path.relative_to(written) for path in written.rglob("*.md"))
    committed = sorted(
        path.relative_to(DOCS) for path in (DOCS / "models.md", *(DOCS / "models").glob("*.md"))
    )

    assert committed == pages
    for page in pages:
        assert (DOCS / page).read_text() == (written / page).read_text()
