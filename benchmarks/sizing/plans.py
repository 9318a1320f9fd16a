"""What so many pictures take: cores, machines, memory, network, disk."""

from dataclasses import dataclass
from math import ceil

from benchmarks.exchanged import Exchange

# Of what the cores could do at most, so that a queue stays short: docs/operations.md.
HEADROOM = 2.0

# As docs/operations.md reckons, in MiB.
_WORKER_MIB, _BESIDES_MIB = 512, 256

CORES_OF_A_MACHINE = 32
_NETWORK_BITS = 10e9


@dataclass(frozen=True)
class Plan:
    """What a rate takes.

    Attributes:
        rate: pictures per second.
        busy: cores that are at work all the time.
        cores: those that are to be there.
        machines: of 32 cores.
        memory_gib: of all machines.
        network_bits: per second, in the busier direction.
        network_share: of a card of 10 Gbit/s, for each machine.
        packets: per second, both directions.
        disk_bytes: per second, of results.
    """

    rate: float
    busy: float
    cores: int
    machines: int
    memory_gib: float
    network_bits: float
    network_share: float
    packets: float
    disk_bytes: float


def plan(rate: float, per_core: float, exchange: Exchange, *, scaling: float = 1.0) -> Plan:
    """Reckon what `rate` pictures a second take.

    Args:
        rate: pictures per second.
        per_core: what one core reads in a second.
        exchange: one of them on the wire and on the disk.
        scaling: what a core does beside others, as a share of what it does alone.
    """
    busy = rate / (per_core * scaling)
    cores = max(1, ceil(HEADROOM * busy))
    machines = ceil(cores / CORES_OF_A_MACHINE)
    bits = 8 * rate * max(exchange.in_bytes, exchange.out_bytes)
    return Plan(
        rate=rate,
        busy=busy,
        cores=cores,
        machines=machines,
        memory_gib=(cores * _WORKER_MIB + machines * _BESIDES_MIB) / 1024,
        network_bits=bits,
        network_share=bits / machines / _NETWORK_BITS,
        packets=rate * exchange.packets,
        disk_bytes=rate * exchange.row,
    )
