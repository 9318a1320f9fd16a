"""What the README says of the models is what the manifest says."""

from pathlib import Path

from models.manifest import PACKAGE_DIRECTORY, load_manifest

_README = Path(__file__).parents[2] / "README.md"


def test_the_table_of_models_is_the_manifests():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in _README.read_text().splitlines()
        if line.startswith("| `") and line.endswith("% |")
    ]

    assert rows == [
        [
            f"`{card.name}`",
            f"{card.parameters:,}",
            f"{card.test.accuracy:.2%}",
            f"{card.test.accuracy_interval.low:.2%} to {card.test.accuracy_interval.high:.2%}",
            f"{card.operating_point(0.001).test.read_rate:.1%}",
        ]
        for card in load_manifest(PACKAGE_DIRECTORY).models
    ]
