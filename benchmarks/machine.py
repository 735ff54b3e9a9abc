"""The machine that figures are from."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> str:
    """Its processor, as it names itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
