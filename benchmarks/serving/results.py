"""What the serving benchmark finds: the form of `serving.json`."""

from statistics import median

from pydantic import BaseModel, ConfigDict, computed_field


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Scenario(_Record):
    """A way of asking: so many requests at a time, each with so many images."""

    way: str
    concurrency: int
    images: int


class Measurement(_Record):
    """One scenario, measured once."""

    scenario: Scenario
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bad_answers: int = 0
    socket_errors: int = 0

    @property
    def rate(self) -> float:
        """Images per second, those of requests without a right answer left out."""
        return (self.requests - self.bad_answers) * self.scenario.images / self.seconds


class Memory(_Record):
    """All processes of a server; the proportional set size counts shared pages once."""

    processes: int
    rss_mib: float
    pss_mib: float


class Slot(_Record):
    """A server's turn: started, asked in every way, stopped. Or why it was not."""

    model: str
    server: str
    workers: int
    round: int
    measurements: tuple[Measurement, ...] = ()
    refused: dict[str, str] = {}  # by way
    memory: Memory | None = None
    missing: str | None = None


class Cell(_Record):
    """One scenario of one server over all rounds, in their order."""

    model: str
    server: str
    workers: int
    scenario: Scenario
    rates: tuple[float, ...]
    p50_ms: tuple[float, ...]
    p99_ms: tuple[float, ...]
    failures: int

    @computed_field
    @property
    def rate(self) -> float:
        """Images per second, the median of the rounds."""
        return median(self.rates)

    @computed_field
    @property
    def p50(self) -> float:
        """Median of the rounds' median latencies in milliseconds."""
        return median(self.p50_ms)

    @computed_field
    @property
    def p99(self) -> float:
        """Median of the rounds' 99th percentiles in milliseconds."""
        return median(self.p99_ms)


class ServerInfo(_Record):
    """A server that was asked."""

    name: str
    title: str
    kind: str
    setup: str
    versions: dict[str, str]


class ServerMemory(_Record):
    """What a server held at the end of its turns, the median of the rounds."""

    model: str
    server: str
    workers: int
    memory: Memory


class Absence(_Record):
    """Why a server, or a way to ask it, was not measured; `way` is None for all of them."""

    model: str
    server: str
    workers: int
    way: str | None
    reason: str


class Conditions(_Record):
    """Under which all this was measured."""

    command: str
    machine: str
    tools: str
    commit: str
    seconds: int
    rounds: dict[str, int]  # by model
    server_cores: tuple[int, ...]
    load_cores: tuple[int, ...]


class Results(_Record):
    """Everything that one run found."""

    conditions: Conditions
    servers: tuple[ServerInfo, ...]
    cells: tuple[Cell, ...]
    memory: tuple[ServerMemory, ...]
    absences: tuple[Absence, ...]
