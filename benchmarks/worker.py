"""A process with one engine, driven by lines of JSON: ``measuring.py`` starts it.

    python benchmarks/worker.py prepare|run ENGINE SETUP

SETUP is JSON. ``prepare`` does what is done once and ends. ``run`` answers first with seconds until the model was
loaded and until FIRST was translated, imports included. Then: {"lines": [...]} keeps a text; {"run": "batch" or
"single"} translates it and answers with what that took; {"work": the same} answers with the operations that its
products need (dragoman only). It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from engines import ENGINES, PREPARE, Setup, Translate
from machine import energy_counters, joules

FIRST = "A small boat lies in the harbour."
PEAK_ROUNDS = 100_000


def measure(translate: Translate, lines: list[str], kind: str, name: str) -> dict[str, Any]:
    """Translates all lines, together or one by one, and says what it took: seconds, milliseconds of each, memory."""
    before = peaks() if name == "dragoman" else {}
    energy = energy_counters()
    wall, cpu = time.perf_counter(), time.process_time()
    groups = [lines] if kind == "batch" else [[line] for line in lines]
    texts: list[str] = []
    pieces: int | None = 0
    latencies = []
    for group in groups:
        start = time.perf_counter()
        found, count = translate(group)
        latencies.append(1e3 * (time.perf_counter() - start))
        texts += found
        pieces = None if pieces is None or count is None else pieces + count
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    used = joules(energy, energy_counters())
    return {
        **taken,
        "energy_j": used,
        "latencies_ms": latencies,
        "texts": texts,
        "pieces": pieces,
        "peak_mb": own_memory("status", "VmHWM:") / 1024,  # getrusage would start from the parent's
        "pss_mb": own_memory("smaps_rollup", "Pss:") / 1024,
        "peaks": before,
    }


def own_memory(file: str, name: str) -> int:
    """A line of what the system says about this process, kB; 0 where unknown."""
    path = Path("/proc/self") / file
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def peaks() -> dict[str, list[float]]:
    """Operations a second of a loop on registers alone, now: int8 and float32, of the kernels in use and beside tiles
    of the best ones without."""
    from dragoman._native import kernels

    targets = ["amx", "avx512vnni"] if kernels.chosen() == "amx" else [kernels.chosen()]
    return {name: [kernels.peak(name, int8, PEAK_ROUNDS) for int8 in (True, False)] for name in targets}


def work(setup: Setup, lines: list[str], kind: str) -> dict[str, float]:
    """Multiplications and additions of the products for this text, and the bytes of workspace it took."""
    import dragoman
    from dragoman.options import DecodingOptions
    from dragoman.run.batching import MAX_BATCH_SENTENCES
    from dragoman.run.profiling import profile

    model = dragoman.load(setup.folder, precision=setup.precision)
    options = DecodingOptions.of(None, {"beam_size": setup.beam, "skip_cost": setup.beam == 1}, model.defaults)
    found = profile(model, lines, batch_sentences=MAX_BATCH_SENTENCES if kind == "batch" else 1, options=options)
    fleet = dragoman.Fleet()
    fleet.add("one", setup.folder, precision=setup.precision)
    with dragoman.Service(fleet, workers=1) as service:
        service.translate(lines, model="one", beam_size=setup.beam)
        workspace = service.memory().workspaces_bytes
    return {
        "int8": sum(cost.operations for cost in found.costs if cost.integer),
        "float32": sum(cost.operations for cost in found.costs if not cost.integer),
        "workspace": workspace,
    }


def main() -> None:
    action, name, given = sys.argv[1:]
    values = json.loads(given)
    setup = Setup(Path(values["folder"]), values["precision"], values["beam"], Path(values["place"]))
    if action == "prepare":
        PREPARE[name](setup)
        return
    # Engines print; answers must not mix with that.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    start = time.perf_counter()
    translate = ENGINES[name](setup)
    loaded = time.perf_counter() - start
    translate([FIRST])
    print(json.dumps({"load_s": loaded, "first_s": time.perf_counter() - start}), file=answers)
    lines: list[str] = []
    for request in map(json.loads, sys.stdin):
        if "lines" in request:
            lines = request["lines"]
        elif "run" in request:
            print(json.dumps(measure(translate, lines, request["run"], name)), file=answers)
        else:
            print(json.dumps(work(setup, lines, request["work"])), file=answers)


if __name__ == "__main__":
    main()
