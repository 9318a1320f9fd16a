"""The machine that figures were measured on."""

import os
import platform
import re
from pathlib import Path


def machine() -> str:
    """Processor, number of processors, Python."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    processor = named[1] if named else platform.machine()
    return f"{processor}, {os.cpu_count()} processors, Python {platform.python_version()}"
