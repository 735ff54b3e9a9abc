"""From runs to figures, and from figures to Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from measuring import KINDS, Measured
from workloads import Workload


@dataclass(frozen=True)
class Figures:
    """Of one engine on one workload; pairs are batch and single.

    Attributes:
        rates, cpu: words a second by the clock, seconds of processor time for 1000 words; None without batches.
        latency: milliseconds, p50 and p99, line by line.
        start: milliseconds until loaded, and until the first translation.
        memory: MB, peak RSS and PSS at the end.
        pieces: in all translations of a batch, if known; ``alike``: share of single lines as by the first engine.
        ratios: processor time over the first engine's, pair by pair of neighbouring rounds, the median.
        energy: joules for 1000 words, where the machine tells.
        shares: by kernels: what dragoman's products need at the peak, as a share of the processor time.
    """

    name: str
    rates: tuple[float | None, float]
    cpu: tuple[float | None, float]
    latency: tuple[float, float]
    start: tuple[float, float]
    memory: tuple[float, float]
    pieces: int | None
    alike: float
    ratios: tuple[float | None, float]
    energy: tuple[float | None, float | None]
    shares: dict[str, tuple[float | None, float]]


def figures(workload: Workload, lines: list[str], measured: list[Measured]) -> list[Figures]:
    counts = {"batch": workload.lines, "single": workload.single}
    words = {kind: sum(len(line.split()) for line in lines[: counts[kind]]) for kind in KINDS}
    return [_figures(one, measured[0], words) for one in measured]


def _peaks(one: Measured) -> dict[str, tuple[float, float]]:
    """Operations a second of register loops, int8 and float32, by kernels: medians of what was seen beside the runs."""
    runs = [run["peaks"] for kind in KINDS for run in one.runs[kind]]

    def median(target: str, place: int) -> float:
        return statistics.median(peaks[target][place] for peaks in runs)

    return {target: (median(target, 0), median(target, 1)) for target in runs[0]}


def _limits(one: Measured) -> dict[str, dict[str, float]]:
    """Seconds that the products need at the peak, by kernels and kind."""
    return {
        target: {kind: one.work[kind]["int8"] / int8 + one.work[kind]["float32"] / float32 for kind in KINDS}
        for target, (int8, float32) in _peaks(one).items()
    }


def _figures(one: Measured, first: Measured, words: dict[str, int]) -> Figures:
    def median(kind: str, clock: str) -> float:
        return statistics.median(run[clock] for run in one.runs[kind])

    def both(value: Callable[[str], float]) -> tuple[float | None, float]:
        return value("batch") if one.runs["batch"] else None, value("single")

    def ratio(kind: str) -> float:
        pairs = zip(one.runs[kind], first.runs[kind], strict=True)
        return statistics.median(theirs["cpu_s"] / ours["cpu_s"] for theirs, ours in pairs)

    def energy(kind: str) -> float | None:
        used = [run["energy_j"] for run in one.runs[kind]]
        return None if not used or None in used else 1000 * statistics.median(used) / words[kind]

    last = {kind: one.runs[kind][-1] for kind in KINDS if one.runs[kind]}
    reference = first.runs["single"][-1]["texts"]  # alone: a batch may share its shortlists
    alike = sum(mine == theirs for mine, theirs in zip(last["single"]["texts"], reference, strict=True))
    latencies = sorted(latency for run in one.runs["single"] for latency in run["latencies_ms"])
    return Figures(
        name=one.contender.name,
        rates=both(lambda kind: words[kind] / median(kind, "wall_s")),
        cpu=both(lambda kind: 1000 * median(kind, "cpu_s") / words[kind]),
        latency=(latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]),
        start=(1e3 * one.start["load_s"], 1e3 * one.start["first_s"]),
        memory=(max(run["peak_mb"] for run in last.values()), last["single"]["pss_mb"]),
        pieces=last["batch"]["pieces"] if "batch" in last else None,
        alike=alike / len(reference),
        ratios=both(ratio),
        energy=(energy("batch"), energy("single")),
        shares={
            target: both(lambda kind, limit=limit: limit[kind] / median(kind, "cpu_s"))
            for target, limit in _limits(one if one.work else first).items()
        },
    )


def table(workload: Workload, found: list[Figures], measured: list[Measured], load: float) -> str:
    """A section of Markdown; ``load`` is the machine's load average just before."""
    targets = list(found[0].shares)
    energy = any(value is not None for one in found for value in one.energy)
    head = [
        "engine",
        "words/s: batch, single",
        "cpu s/1000 words",
        "times the first's cpu",
        "p50, p99 ms",
        "load, first ms",
        "peak, PSS MB",
        "pieces",
        "same lines",
        *(["J/1000 words"] if energy else []),
        *(f"% of {target} peak" for target in targets),
    ]
    rows = [f"### {workload.title}\n", _row(head), _row(["---"] * len(head))]
    for one in found:
        cells = [
            one.name,
            _pair(one.rates, ",.0f"),
            _pair(one.cpu, ".3f"),
            _pair(one.ratios, ".2f"),
            _pair(one.latency, ".1f"),
            _pair(one.start, ".0f"),
            _pair(one.memory, ".0f"),
            "-" if one.pieces is None else f"{one.pieces:,}",
            f"{one.alike:.0%}",
            *([_pair(one.energy, ".1f")] if energy else []),
            *(_pair(one.shares.get(target, (None, None)), ".0%") for target in targets),
        ]
        rows.append(_row(cells))
    first = measured[0]
    work = {kind: first.work[kind]["int8"] + first.work[kind]["float32"] for kind in KINDS}
    sizes = ", ".join(
        f"{one.contender.name} {one.work['batch']['workspace'] / 2**20:.1f} MB" for one in measured if one.work
    )
    place = 1 if first.contender.precision == "float32" else 0
    peaks = ", ".join(f"{target} {both[place] / 1e9:,.0f}" for target, both in _peaks(first).items())
    rows.append(
        f"\n{workload.lines} lines together, {workload.single} one by one; products: {work['batch'] / 1e9:,.0f} and "
        f"{work['single'] / 1e9:,.0f} GOP; peak, GOP/s: {peaks}. Workspace of a worker: {sizes}. Load average before: "
        f"{load:.1f}."
    )
    return "\n".join(rows) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _pair(values: tuple[float | None, float | None], form: str) -> str:
    return ", ".join("-" if value is None else format(value, form) for value in values)
