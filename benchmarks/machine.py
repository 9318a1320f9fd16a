"""The machine that figures were measured on."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Processor, number of processors, Python."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processor = next(names, platform.processor() or platform.machine())
    return f"{processor}, {os.cpu_count()} processors, Python {platform.python_version()}"
