"""A server's turn: start it, see that it reads right, ask it in every way, stop it."""

import math
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx

from benchmarks.serving import answers, wrk
from benchmarks.serving.contenders import BATCH, Contender
from benchmarks.serving.environments import PEERS
from benchmarks.serving.process import Place, Server, ServerFailed, free_ports, running
from benchmarks.serving.questions import Question
from benchmarks.serving.results import Measurement, Scenario, Slot
from benchmarks.serving.turns import Files, Turn

SINGLES = (1, 16, 64)
BATCHES = 4  # keep a core busy, and no queue grows
_WARM_UP_SECONDS = 1
_MOST_SECONDS = 30
_TIMES_ANSWERED = 3
_CHECKED = 10
_ROOT = Path(__file__).parents[2]


def take(
    turn: Turn,
    files: Files,
    questions: Sequence[Question],
    seconds: int,
    tell: Callable[[str], None],
) -> Slot:
    """Do the turn; `tell` is given what is being measured.

    Raises:
        LoadFailed: the load generator failed.
    """
    if not turn.contender.ready:
        tell(turn.contender.title)
        return _run_to_end(turn, files, questions[0], seconds)
    workers = ("--workers", str(turn.workers)) if turn.workers else ()
    contender = turn.contender
    try:
        with running(
            (*contender.command, *workers),
            place=Place(str(files.python), turn.model, *free_ports(3)),
            environment={"MODEL": str(files.model), **contender.environment},
            directory=PEERS / contender.name if contender.has_own_environment else _ROOT,
            ready=contender.ready,
            cores=turn.server_cores,
        ) as server:
            return _ask(server, turn, questions, seconds, tell)
    except ServerFailed as error:
        return turn.slot(missing=f"does not start: {error}")


def scenarios(contender: Contender, question: Question) -> Iterator[Scenario]:
    """How one way is measured; only the first for single images at every concurrency."""
    if question.images == BATCH:
        levels: tuple[int, ...] = (BATCHES,)
    else:
        levels = SINGLES if question.way is contender.singles[0] else SINGLES[-1:]
    for level in levels:
        yield Scenario(way=question.way.name, concurrency=level, images=question.images)


def _ask(
    server: Server,
    turn: Turn,
    questions: Sequence[Question],
    seconds: int,
    tell: Callable[[str], None],
) -> Slot:
    refused: dict[str, str] = {}
    measured: list[Measurement] = []
    for question in questions:
        url = server.url + question.way.path.format(model=turn.model)
        try:
            _check(url, question)
        except answers.WrongAnswer as error:
            refused[question.way.name] = str(error)
            continue
        known_rate = 0.0
        for scenario in scenarios(turn.contender, question):
            tell(f"{scenario.way}, {scenario.concurrency} at a time")
            warm = _load(server, turn, question, scenario, _WARM_UP_SECONDS)
            known_rate = max(known_rate, warm.requests / warm.seconds)
            enough = _long_enough(scenario.concurrency, known_rate, seconds)
            found = _load(server, turn, question, scenario, enough)
            known_rate = found.requests / found.seconds
            measured.append(Measurement(scenario=scenario, **found.model_dump()))
    if strays := server.strays():
        return turn.slot(missing=f"{strays} of its threads run on processors that it was not given")
    return turn.slot(measurements=tuple(measured), refused=refused, memory=server.memory())


def _load(
    server: Server, turn: Turn, question: Question, scenario: Scenario, seconds: int
) -> wrk.Load:
    url = server.url + question.way.path.format(model=turn.model)
    found = wrk.load(
        url,
        question.file,
        concurrency=scenario.concurrency,
        seconds=seconds,
        cores=turn.load_cores,
    )
    _let_it_finish(server.url + turn.contender.ready)
    if not found.requests:  # wrk does not count what it still waits for
        return found.model_copy(update={"socket_errors": scenario.concurrency})
    return found


def _let_it_finish(url: str) -> None:
    # wrk hangs up at the end; what it asked last must not be in the way of what comes next.
    try:
        httpx.get(url, timeout=_MOST_SECONDS)
    except httpx.HTTPError:
        return


def _long_enough(concurrency: int, rate: float, seconds: int) -> int:
    """Seconds in which a server of that rate answers every connection a few times."""
    wanted = _TIMES_ANSWERED * concurrency / rate if rate else _MOST_SECONDS
    return max(seconds, min(math.ceil(wanted), _MOST_SECONDS))


def _check(url: str, question: Question) -> None:
    sent = list(zip(question.bodies.contents, question.right, strict=True))[:_CHECKED]
    for body, right in sent:
        answers.check(url, question.bodies.headers, body, question.way.digits, right)


def _run_to_end(turn: Turn, files: Files, question: Question, seconds: int) -> Slot:
    cores = ",".join(map(str, turn.server_cores))
    program = [part.format(python=files.python) for part in turn.contender.command]
    arguments = [str(files.model), str(question.file.parent), str(seconds)]
    ended = subprocess.run(  # noqa: S603
        ["taskset", "-c", cores, *program, *arguments],  # noqa: S607
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        return turn.slot(missing=ended.stderr.strip().splitlines()[-1])
    scenario = Scenario(way=question.way.name, concurrency=1, images=question.images)
    found = wrk.parse(ended.stdout)
    return turn.slot(measurements=(Measurement(scenario=scenario, **found.model_dump()),))
