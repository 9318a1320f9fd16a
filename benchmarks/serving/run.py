"""The whole measurement: environments, turns, the journal, and what comes of it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn

from benchmarks.serving import summary, turns
from benchmarks.serving.circumstances import conditions_of, measured_with
from benchmarks.serving.contenders import Contender
from benchmarks.serving.environments import NoEnvironment, environment, versions
from benchmarks.serving.journal import Journal
from benchmarks.serving.ours import NUMERAL
from benchmarks.serving.plan import Plan
from benchmarks.serving.questions import Exam
from benchmarks.serving.results import Results, ServerInfo, Slot
from benchmarks.serving.slot import take
from benchmarks.serving.turns import Files, Turn
from models.mnist import Images


@dataclass(frozen=True)
class Installed:
    """The Python that runs each server, by name; and why there is none."""

    pythons: Mapping[str, Path]
    missing: Mapping[str, str]

    def versions(self, contender: Contender) -> dict[str, str]:
        """Those of the packages that matter."""
        python = self.pythons.get(contender.name)
        return versions(python, contender.packages) if python else {}


def measure(plan: Plan, images: Images) -> Results:
    """Everything that the report tells; MNIST's `images` are what servers are asked."""
    contenders = plan.contenders()
    installed = _environments(contenders, plan.venvs)
    order = list(turns.comparison(contenders, plan.rounds, plan.cores))
    first = next(iter(plan.models))
    if NUMERAL in contenders and plan.workers:
        count = min(plan.rounds[first], 3)
        order += turns.scaling(NUMERAL, first, plan.workers, count, plan.cores)
    journal = Journal(plan.work / "slots.jsonl", measured_with(plan))
    exam = Exam.prepare(images, plan.models, plan.work / "bodies")
    with _progress() as progress:
        task = progress.add_task("", total=len(order))
        for turn in order:
            if not journal.has(turn.key):
                tell = _teller(progress, task, turn)
                journal.add(_taken(turn, plan, exam, installed, tell))
            progress.advance(task)
    wanted = {turn.key for turn in order}
    slots = [s for s in journal.slots if (s.model, s.server, s.workers, s.round) in wanted]
    return Results(
        conditions=conditions_of(plan),
        servers=tuple(
            ServerInfo(
                name=one.name,
                title=one.title,
                kind=one.kind,
                setup=one.setup,
                versions=installed.versions(one),
            )
            for one in contenders
        ),
        cells=summary.cells(slots),
        memory=summary.memories(slots),
        absences=summary.absences(slots),
    )


def _taken(
    turn: Turn, plan: Plan, exam: Exam, installed: Installed, tell: Callable[[str], None]
) -> Slot:
    contender = turn.contender
    if contender.name in installed.missing:
        return turn.slot(missing=installed.missing[contender.name])
    model = plan.keras.get(turn.model) if contender.needs_keras else plan.models[turn.model]
    if model is None:
        reason = f"no Keras file given; --keras {turn.model}=runs/{turn.model}/.../model.keras"
        return turn.slot(missing=reason)
    if turn.workers > len(turn.server_cores):
        return turn.slot(missing=f"this machine has {len(turn.server_cores)} processors for it")
    questions = exam.questions(contender, turn.model)
    files = Files(installed.pythons[contender.name], model)
    tell("starting")
    return take(turn, files, questions, plan.seconds, tell)


def _environments(contenders: Sequence[Contender], directory: Path) -> Installed:
    pythons: dict[str, Path] = {}
    missing: dict[str, str] = {}
    console = Console(stderr=True)
    for contender in contenders:
        if not contender.has_own_environment:
            pythons[contender.name] = Path(sys.executable)
            continue
        with console.status(f"{contender.title}: the environment in {directory}"):
            try:
                pythons[contender.name] = environment(contender.name, directory.resolve())
            except NoEnvironment as error:
                missing[contender.name] = str(error)
                console.print(f"{contender.title}: {error}")
    return Installed(pythons, missing)


def _progress() -> Progress:
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _teller(progress: Progress, task: TaskID, turn: Turn) -> Callable[[str], None]:
    workers = f" x {turn.workers}" if turn.workers else ""
    where = f"{turn.model}, round {turn.round}, {turn.contender.name}{workers}"
    return lambda what: progress.update(task, description=f"{where}: {what}")
