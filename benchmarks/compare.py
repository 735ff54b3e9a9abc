"""dragoman beside the engines that pip can install: same model, text, thread and arithmetic, in turn, in one run.

    python benchmarks/compare.py MODELS [--repeats 5] [--python PYTHON] [--output results/compare.md]

MODELS holds ``ende-tiny-ssru`` (Firefox's shape: int8 with a shortlist) and ``enfr-selfattn`` (self-attention decoder),
each with ``ref/test1000.en``. PYTHON is an interpreter with dragoman, ctranslate2, fxtranslate, sentencepiece and
pyyaml. Every engine is a process of its own; rounds go A B C A B C, and medians are compared: words a second of
processor time (neighbours on a busy machine do not count) and of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass
class Engine:
    """A process with one engine and what it took, round by round."""

    name: str
    precision: str
    process: subprocess.Popen[str]
    load_s: float = 0.0
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"batch": [], "single": []})

    @classmethod
    def start(cls, python: str, name: str, folder: Path, precision: str) -> Engine:
        command = [python, str(HERE / "engines.py"), name, str(folder), precision]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        engine = cls(name, precision, process)
        engine.load_s = engine.answer()["load_s"]
        return engine

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended: is it installed in that interpreter?")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def send(self, request: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def run(self, kind: str) -> dict[str, Any]:
        self.send({"run": kind})
        return self.answer()


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def compare(title: str, engines: list[Engine], lines: list[str], repeats: int, single: int) -> str:
    """Rounds over all engines, and a table of medians."""
    words = sum(len(line.split()) for line in lines)
    few = lines[:single]
    few_words = sum(len(line.split()) for line in few)
    for kind, text in (("batch", lines), ("single", few)):
        for engine in engines:
            engine.send({"lines": text})
            engine.run(kind)
        for _ in range(repeats):
            for engine in engines:
                engine.runs[kind].append(engine.run(kind))
    rows = [
        f"### {title}\n",
        "| engine | batch: words/cpu s | words/s | single: words/cpu s | words/s | p50, p99 ms | load ms | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for engine in engines:
        cells = [f"{engine.name} {engine.precision}"]
        for kind, count in (("batch", words), ("single", few_words)):
            for clock in ("cpu_s", "wall_s"):
                cells.append(f"{count / statistics.median(run[clock] for run in engine.runs[kind]):,.0f}")
        latencies = sorted(one for run in engine.runs["single"] for one in run["latencies_ms"])
        cells.append(f"{latencies[len(latencies) // 2]:.2f}, {latencies[len(latencies) * 99 // 100]:.2f}")
        cells += [f"{1e3 * engine.load_s:.0f}", f"{engine.runs['single'][-1]['peak_mb']:.0f}"]
        rows.append("| " + " | ".join(cells) + " |")
    first = engines[0]
    for other in engines[1:]:
        ratios = []
        for kind in ("batch", "single"):
            pairs = zip(first.runs[kind], other.runs[kind], strict=True)
            ratios.append(statistics.median(theirs["cpu_s"] / ours["cpu_s"] for ours, theirs in pairs))
        rows.append(
            f"\n{first.name} {first.precision} / {other.name} {other.precision} (processor time, pairs): "
            f"batch {ratios[0]:.2f}x, single {ratios[1]:.2f}x"
        )
    for engine in engines:
        engine.send({"quit": True})
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--single", type=int, default=200, help="lines translated one by one")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    parts = [f"{processor()}, {platform.python_version()}, one thread each, load average {load:.1f} at the start\n"]
    jobs = [
        (
            "ende-tiny-ssru, int8 with shortlist",
            "ende-tiny-ssru",
            [("dragoman", "int8"), ("fxtranslate", "int8")],
        ),
        (
            "enfr-selfattn, int8 quantised at load",
            "enfr-selfattn",
            [("dragoman", "int8"), ("ctranslate2", "int8")],
        ),
        (
            "enfr-selfattn, float32",
            "enfr-selfattn",
            [("dragoman", "float32"), ("ctranslate2", "float32")],
        ),
    ]
    for title, folder, engines in jobs:
        path = options.models / folder
        lines = (path / "ref" / "test1000.en").read_text(encoding="utf-8").split("\n")[:-1]
        started = [Engine.start(options.python, name, path, precision) for name, precision in engines]
        parts.append(compare(title, started, lines, options.repeats, options.single) + "\n")
        print(parts[-1], flush=True)
    if options.output is not None:
        options.output.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
