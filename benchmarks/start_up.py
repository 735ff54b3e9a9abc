"""How long a process takes to its first translation, where the time goes, and how much memory it takes.

    python benchmarks/start_up.py MODEL [--repeats 21] [--baseline SRC] [--core N] [--output results/start_up.md]

MODEL is a folder that `dragoman translate` can load; its weights are prepared first. SRC is the ``src`` folder of
another state of dragoman, with its native module: it is measured in turn with this one. Each process is started anew;
rounds go A B C A B C, and medians are compared: milliseconds of the clock, which includes waiting for neighbours on a
busy machine, and of processor time, which does not. Peaks of memory are those of /proc/self/status (VmHWM). As after an
installation, modules are compiled: into a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "src"
TEXT = b"Hello world.\n"
_SETTLED_S = 2.5
"""Files changed more recently than 2 s are not trusted by their times (dragoman.weights.store)."""
_COMPILED = tempfile.TemporaryDirectory()
_PEAK = """
import atexit, sys
@atexit.register
def say():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            print(line.split()[1], file=sys.stderr)
"""


@dataclass
class Case:
    """A process to start. ``code``: what it runs; ``sources``: the dragoman it finds."""

    name: str
    code: str
    sources: Path = SOURCES
    arguments: tuple[str, ...] = ()
    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def command(self, prefix: str = "") -> list[str]:
        return [sys.executable, "-c", prefix + self.code, *self.arguments]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, "PYTHONPATH": str(self.sources), "PYTHONPYCACHEPREFIX": _COMPILED.name}

    def run(self) -> None:
        """Once, timed."""
        started = time.perf_counter()
        process = subprocess.Popen(
            self.command(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=self.environment()
        )
        assert process.stdin is not None
        process.stdin.write(TEXT)
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.name} failed")
        self.clock.append(1e3 * elapsed)
        self.processor.append(1e3 * (usage.ru_utime + usage.ru_stime))

    def peak_mb(self) -> float:
        """Most memory of a run."""
        done = subprocess.run(
            self.command(_PEAK), input=TEXT, capture_output=True, check=True, env=self.environment()
        )
        return int(done.stderr.split()[-1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--repeats", type=int, default=21)
    parser.add_argument("--baseline", type=Path)
    parser.add_argument("--core", type=int, help="run on this processor only")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    cases = _cases(options.model.resolve(), options.baseline)
    for case in cases:
        case.run()
    time.sleep(_SETTLED_S)
    for case in cases:
        case.run()
        case.clock.clear()
        case.processor.clear()
    load = os.getloadavg()[0]
    for _ in range(options.repeats):
        for case in cases:
            case.run()
    report = f"{_machine()}, load average {load:.1f} at the start, median of {options.repeats} processes\n\n"
    report += _table(cases)
    print(report, end="")
    if options.output:
        options.output.write_text(report, encoding="utf-8")


def _cases(model: Path, baseline: Path | None) -> list[Case]:
    command = "from dragoman.cli.main import main; main()"
    arguments = ("translate", "--model", str(model))
    cases = [
        Case("python -c pass", "pass"),
        Case("import dragoman", "import dragoman"),
        Case("import numpy", "import numpy"),
        Case("import click", "import click"),
        Case("import sentencepiece", "import sentencepiece"),
        Case("import yaml", "import yaml"),
        Case("dragoman translate", command, arguments=arguments),
    ]
    if baseline is not None:
        cases.append(Case("dragoman translate, baseline", command, baseline.resolve(), arguments))
    return cases


def _table(cases: list[Case]) -> str:
    lines = ["| process | ms | ms of the processor | peak MB |", "|---|---|---|---|"]
    for case in cases:
        clock, processor = statistics.median(case.clock), statistics.median(case.processor)
        lines.append(f"| {case.name} | {clock:.0f} | {processor:.0f} | {case.peak_mb():.1f} |")
    return "\n".join(lines) + "\n"


def _machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{names[0].partition(':')[2].strip() if names else platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
