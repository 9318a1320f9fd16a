"""What the simulation of the queue finds: the form of `queueing.json`."""

from pydantic import BaseModel, ConfigDict, Field


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Costs(_Record):
    """What a worker was measured to take, in microseconds."""

    model: str
    batch_us: float = Field(description="For a micro-batch, whatever is in it.")
    request_us: float = Field(description="For each request in it.")
    refusal_us: float = Field(description="For a request that is refused.")
    stray_p99_us: float = Field(description="By so much one in a hundred takes longer.")
    outside_us: float = Field(description="That a caller waits beyond it.")
    largest: int = Field(description="Most requests in a micro-batch.")


class Load(_Record):
    """What is offered, in requests per second; `bursts` of so many seconds every so many."""

    base: float
    burst: float
    every: float
    lasts: float


class Spread(_Record):
    """How long answers took, and what had none."""

    quantiles_ms: tuple[float, ...] = Field(description="0, 1, 2, ..., 100 percent.")
    refused: float = Field(description="Share of all requests that had no answer.")

    @property
    def p50_ms(self) -> float:
        """Half of the answers came sooner."""
        return self.quantiles_ms[50]

    @property
    def p99_ms(self) -> float:
        """All but one in a hundred came sooner."""
        return self.quantiles_ms[99]


class Compared(_Record):
    """One load, at the same moments in both."""

    model: str
    load: Load
    seconds: float
    measured: Spread
    simulated: Spread


class Needed(_Record):
    """How many workers, a core each, a load takes."""

    model: str
    load: Load
    bound_ms: float = Field(description="99 of 100 answers come sooner, and none is refused.")
    workers: int | None = Field(description="Null where no number is enough.")


class Results(_Record):
    """Everything that one run found."""

    command: str
    machine: str
    version: str
    seed: int
    costs: tuple[Costs, ...]
    compared: tuple[Compared, ...]
    needed: tuple[Needed, ...]
