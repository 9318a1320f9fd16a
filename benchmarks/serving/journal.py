"""What was measured so far, so that an interrupted run goes on where it was."""

from pathlib import Path

from pydantic import ValidationError

from benchmarks.serving.results import Slot


class Journal:
    """Slots in a file, a line each, under a first line that says what they were measured with.

    A file with another first line is begun anew: figures of two states of the code do not mix.
    """

    def __init__(self, path: Path, measured_with: str) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.slots: list[Slot] = []
        if lines[:1] != [measured_with]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(measured_with + "\n")
            return
        for line in lines[1:]:
            try:
                self.slots.append(Slot.model_validate_json(line))
            except ValidationError:  # the last line, cut off
                break
        records = [slot.model_dump_json() for slot in self.slots]
        path.write_text("\n".join([measured_with, *records]) + "\n")

    def add(self, slot: Slot) -> None:
        """Keep a slot."""
        self.slots.append(slot)
        with self._path.open("a") as file:
            file.write(slot.model_dump_json() + "\n")

    def has(self, key: tuple[str, str, int, int]) -> bool:
        """Whether the slot of that model, server, number of workers and round is there."""
        return any((s.model, s.server, s.workers, s.round) == key for s in self.slots)
