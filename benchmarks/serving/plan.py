"""What the command is asked to measure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.contenders import Contender
from benchmarks.serving.others import PEERS
from benchmarks.serving.ours import BARE, LOOP, NUMERAL
from benchmarks.serving.turns import Cores
from models.manifest import load_manifest

_CONTENDERS = (NUMERAL, *PEERS, BARE, LOOP)


class Unfit(Exception):
    """An option asks for what is not there."""


@dataclass(frozen=True)
class Plan:
    """What to measure, and how; `rounds` by model."""

    models: Mapping[str, Path]
    keras: Mapping[str, Path]
    only: tuple[str, ...]
    peers: bool
    seconds: int
    rounds: Mapping[str, int]
    cores: Cores
    workers: tuple[int, ...]
    venvs: Path
    work: Path
    command: str

    def contenders(self) -> list[Contender]:
        """Who takes part.

        Raises:
            Unfit: a name in `only` is nobody's.
        """
        names = [contender.name for contender in _CONTENDERS]
        if unknown := set(self.only) - set(names):
            raise Unfit(f"no server is called {unknown.pop()}; there are {', '.join(names)}")
        return [
            contender
            for contender in _CONTENDERS
            if (not self.only or contender.name in self.only)
            and (self.peers or not contender.has_own_environment)
        ]


def model_files(directory: Path, names: Iterable[str]) -> dict[str, Path]:
    """The ONNX files of the models of those names.

    Raises:
        Unfit: the manifest does not list one of them.
        ManifestError: there is no manifest that can be read.
    """
    files = {card.name: directory / card.file for card in load_manifest(directory).models}
    for name in names:
        if name not in files:
            raise Unfit(f"{directory} has no model {name}; there are {', '.join(files)}")
    return {name: files[name].resolve() for name in names}


def keras_files(options: Iterable[str]) -> dict[str, Path]:
    """From `cnn=model.keras` to the file of each model.

    Raises:
        Unfit: an option has another form, or there is no such file.
    """
    found = {}
    for option in options:
        name, _, file = option.partition("=")
        if not Path(file).is_file():
            raise Unfit(f"--keras {option}: give a model and its file, such as cnn=model.keras")
        found[name] = Path(file).resolve()
    return found
