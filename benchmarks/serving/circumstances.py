"""Under which figures came about: machine, tools, code, models."""

import hashlib
import json
import subprocess
from pathlib import Path

from benchmarks.serving.plan import Plan
from benchmarks.serving.results import Conditions
from service.sizing.machine import machine

_ROOT = Path(__file__).parents[2]
_MEASURED_CODE = ("service", "models", "benchmarks/serving")


def conditions_of(plan: Plan) -> Conditions:
    """What the report says of them."""
    return Conditions(
        command=plan.command,
        machine=machine(),
        tools=_output("wrk", "-v").splitlines()[0].split(" Copyright")[0],
        commit=_output("git", "describe", "--always", "--dirty").strip(),
        seconds=plan.seconds,
        rounds=dict(plan.rounds),
        server_cores=plan.cores.server,
        load_cores=plan.cores.load,
    )


def measured_with(plan: Plan) -> str:
    """What makes figures comparable: the code, the models and the conditions."""
    digest = hashlib.sha256()
    code = [
        path
        for folder in _MEASURED_CODE
        for path in (_ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]
    for path in (*sorted(code), *plan.models.values(), *plan.keras.values()):
        digest.update(path.read_bytes())
    cores = [plan.cores.server, plan.cores.load]
    return json.dumps([digest.hexdigest(), plan.seconds, cores, machine()])


def _output(*command: str) -> str:
    ended = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, cwd=_ROOT
    )
    return ended.stdout or "unknown"
