"""What the soak finds: the form of `soak.json`. Memory is in MB, 10^6 bytes."""

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Latency(_Record):
    """Milliseconds from when a request was due until its answer; None where nothing was."""

    count: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class Load(_Record):
    """One load that was offered, an open loop; rates are per second, after the first moments."""

    share_of_peak: float
    seconds: float
    offered: float
    goodput: float
    least_goodput: float
    accepted: Latency
    refused: Latency
    wrong: int
    refused_without_retry_after: int
    other_answers: int
    lost: int
    unanswered: int
    not_sent: int


class Overload(_Record):
    """The best of a closed loop, and what is left of it under more load than that."""

    peak: float
    peak_concurrency: int
    connections: int
    loads: tuple[Load, ...]
    long: Load

    @property
    def kept(self) -> float:
        """Goodput under the long load as a share of the peak."""
        return self.long.goodput / self.peak


class Killed(_Record):
    """What it cost to kill workers; `most_at_once` is of requests lost with one of them."""

    workers: int
    concurrency: int
    kills: int
    answers: int
    wrong: int
    other_answers: int
    lost: int
    most_at_once: int
    before: float
    between: float
    recovery_seconds: float


class Stopped(_Record):
    """A SIGTERM under load."""

    workers: int
    keep_alive: bool
    answers: int
    wrong: int
    other_answers: int
    lost: int
    exit_status: int
    seconds: float


class Troublemakers(_Record):
    """Bad connections of one kind, beside others; rates are of the others, per second."""

    kind: str
    connections: int
    calm: float
    beside: float
    wrong: int
    other_answers: int
    lost: int
    p99_calm_ms: float
    p99_beside_ms: float
    cut_off: int
    left_open: int


class Moment(_Record):
    """Memory of all processes, `seconds` after the start."""

    seconds: float
    rss_mb: float


class Endurance(_Record):
    """Mixed work for long."""

    workers: int
    warm_up_seconds: float
    requests: dict[str, int]
    statuses: dict[str, int]
    unexpected: dict[str, int]
    before_mb: float
    after_mb: float
    slope_mb_per_hour: float
    memory: tuple[Moment, ...]


class Results(_Record):
    """Everything that one run found."""

    command: str
    machine: str
    version: str
    model: str
    server_cores: tuple[int, ...]
    load_cores: tuple[int, ...]
    overload: Overload
    killed: Killed
    stopped: tuple[Stopped, ...]
    troublemakers: tuple[Troublemakers, ...]
    endurance: Endurance
