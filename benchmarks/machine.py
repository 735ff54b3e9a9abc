"""The machine that figures are from, and the energy that it uses."""

from __future__ import annotations

import os
import platform
from pathlib import Path

RAPL = Path("/sys/class/powercap")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
CPUINFO = Path("/proc/cpuinfo")


def processor() -> str:
    """Its processor, as it names itself."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(field: str) -> str:
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def description() -> str:
    """Processor, cores that may be used, caches of a core, system; whether it is a guest of a hypervisor."""
    family = f"family {_cpuinfo('cpu family')} model {_cpuinfo('model')}" if _cpuinfo("cpu family") else ""
    caches = []
    for cache in sorted(CACHES.glob("index*")):
        if (cache / "type").read_text().strip() != "Instruction":
            caches.append(f"L{(cache / 'level').read_text().strip()} {(cache / 'size').read_text().strip()}")
    parts = [
        f"{processor()} ({family})" if family else processor(),
        f"{len(os.sched_getaffinity(0))} cores" if hasattr(os, "sched_getaffinity") else f"{os.cpu_count()} cores",
        *caches,
        f"{platform.system()} {platform.release()}",
        *(["virtual"] if " hypervisor" in _cpuinfo("flags") else []),
    ]
    return ", ".join(parts)


def energy_counters(folder: Path = RAPL) -> dict[str, tuple[int, int]]:
    """Microjoules and where they wrap around, of each processor package whose RAPL counter may be read."""
    found = {}
    for package in sorted(folder.glob("intel-rapl:*")):  # of AMD too; those below a package have a second number
        if package.name.count(":") > 1:
            continue
        try:
            used, most = (int((package / name).read_text()) for name in ("energy_uj", "max_energy_range_uj"))
        except (OSError, ValueError):
            continue
        found[package.name] = (used, most)
    return found


def joules(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> float | None:
    """What was used between; None where nothing may be read."""
    if not before or before.keys() != after.keys():
        return None
    used = 0
    for name, (start, most) in before.items():
        end = after[name][0]
        used += end - start if end >= start else end - start + most
    return used / 1e6
