"""What many models cost: memory over models x workers, and the speed of mixed traffic.

    python benchmarks/many_models.py MODELS [--output benchmarks/results] [--quick]

MODELS holds ``ende-tiny-ssru`` and ``deen-tiny-ssru`` (int8). Every model is a copy of one of the two with weights of
its own, so that nothing is shared by accident; each cell is a process of its own. "Warm": every worker has translated
with every model. RSS, PSS and private memory are the kernel's (``smaps_rollup``). Writes ``many_models.json`` and the
figure of the README; peers' figures were measured in the same way on another day (``many_models_peers.json``).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import processor

MODELS = (1, 2, 5, 10, 20, 50, 100)
WORKERS = (1, 2, 4, 8)
MB = 1 << 20


def make_models(source: Path, target: Path, count: int) -> list[Path]:
    """Folders of models in turn from the two, with weights of their own."""
    from dataclasses import replace

    from dragoman.formats.model_file import read_parameters, write_parameters
    from dragoman.formats.parameters import freeze

    folders = []
    kinds = [(source / f"{pair}-tiny-ssru", pair) for pair in ("ende", "deen")]
    files = [read_parameters(folder / "model.intgemm.alphas.bin") for folder, _ in kinds]
    for number in range(count):
        folder, (origin, pair), file = target / f"m{number:03d}", kinds[number % 2], files[number % 2]
        folders.append(folder)
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        rng = np.random.default_rng(number)
        changed = {}
        for name, parameter in file.parameters.items():
            if parameter.data.dtype == np.int8:
                noise = rng.integers(-1, 2, parameter.data.shape, np.int8)
                data = np.clip(parameter.data + noise, -127, 127).astype(np.int8)
                parameter = replace(parameter, data=data)
            changed[name] = parameter
        write_parameters(freeze(file.path, changed, file.options, file.alphas), folder / f"model.{pair}.bin")
        (folder / f"vocab.{pair}.spm").write_bytes((origin / f"vocab.{pair}.spm").read_bytes())
        (folder / f"lex.50.50.{pair}.s2t.bin").write_bytes((origin / "lex.50.50.s2t.bin").read_bytes())
    return folders


def cell(folders: list[Path], workers: int, lines: list[str]) -> dict[str, Any]:
    """Memory of one process with these models and so many workers, at four points."""
    import dragoman
    from dragoman.fleet.process_memory import process_memory

    def now(settle: float = 0.0) -> dict[str, float]:
        time.sleep(settle)
        found = process_memory()
        assert found is not None
        return {name: getattr(found, name) / MB for name in ("rss", "pss", "private", "anonymous")}

    fleet = dragoman.Fleet()
    service = dragoman.Service(fleet, workers=workers)
    fleet.add("first", folders[0])
    service.translate(lines, model="first")
    fleet.remove("first")
    points = {"start": now(0.3)}
    names = [folder.name for folder in folders]
    for name, folder in zip(names, folders, strict=True):
        fleet.add(name, folder)
    seen: set[tuple[int, str]] = set()
    for worker in service._dispatcher.workers:

        def finish(worker: Any, work: Any, outcome: Any, seconds: float, before: Any = worker._finish) -> None:
            seen.add((worker.number, work.entries[0].name))
            before(worker, work, outcome, seconds)

        worker._finish = finish
    for _ in range(60):
        for name in names:  # one after the other: requests in flight are memory of their own
            if sum(one == name for _, one in seen) < workers:
                for future in [service.submit(lines, model=name) for _ in range(workers)]:
                    future.result()
        if len(seen) == len(names) * workers:
            break
    points["warm"] = now()
    report = service.memory()
    for name in names:
        fleet.remove(name)
    points["removed"] = now(0.3)
    service.close()
    return {
        "models": len(folders),
        "workers": workers,
        "all_warm": len(seen) == len(names) * workers,
        "points": points,
        "weights_mb": report.weights_bytes / MB,
        "file_backed_mb": report.file_backed_bytes / MB,
        "workspaces_mb": report.workspaces_bytes / MB,
    }


def speed(folders: list[Path], lines: list[str]) -> dict[str, float]:
    """Throughput of traffic over all models, as a share of that of one model; medians of alternating rounds."""
    import dragoman

    fleet = dragoman.Fleet()
    names = [folder.name for folder in folders]
    for name, folder in zip(names, folders, strict=True):
        fleet.add(name, folder)
    alike = names[::2]  # one direction, so that all get the same language
    with dragoman.Service(fleet, workers=1) as service:
        for name in alike:
            service.translate(lines[:20], model=name)

        def singles(chosen: list[str]) -> float:
            start = time.process_time()
            for number, line in enumerate(lines):
                service.translate(line, model=chosen[number % len(chosen)])
            return time.process_time() - start

        def batches(chosen: list[str]) -> float:
            start = time.process_time()
            for name in chosen:
                service.translate(lines[:64], model=name)
            return time.process_time() - start

        pairs = {"single": [], "batch": []}  # type: dict[str, list[float]]
        for _ in range(7):
            pairs["single"].append(singles([alike[0]]) / singles(alike))
            pairs["batch"].append(batches([alike[0]] * len(alike)) / batches(alike))
    return {name: statistics.median(ratios) for name, ratios in pairs.items()}


def fit(cells: list[dict[str, Any]], quantity: str) -> list[float]:
    """a, b, c, d of memory = a + b N + c W + d N W, least squares, MB."""
    table = np.array([[1, c["models"], c["workers"], c["models"] * c["workers"]] for c in cells], float)
    values = np.array([c["points"]["warm"][quantity] for c in cells])
    return [float(one) for one in np.linalg.lstsq(table, values, rcond=None)[0]]


def draw(cells: list[dict[str, Any]], peers: dict[str, dict[str, float]], path: Path, workers: int = 4) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.2), dpi=140)
    for name, points in peers.items():
        counts = [int(count) for count in points]
        axes.plot(counts, list(points.values()), marker="o", markersize=3, linewidth=1.2, color="0.6")
        end = (counts[-1], list(points.values())[-1])
        axes.annotate(name, end, xytext=(6, -3), textcoords="offset points", color="0.4")
    own = sorted((c["models"], c["points"]["warm"]["rss"]) for c in cells if c["workers"] == workers)
    own = [one for one in own if one[0] <= 50]
    axes.plot(*zip(*own, strict=True), marker="o", linewidth=2.4, color="#c1440e")
    axes.annotate("dragoman", own[-1], xytext=(6, -3), textcoords="offset points", color="#c1440e", weight="bold")
    axes.set_yscale("log")
    axes.set_xlim(0, 62)
    axes.set_xlabel(f"models in one process, {workers} workers, every worker warm on every model")
    axes.set_ylabel("resident memory, MB")
    axes.grid(True, which="both", axis="y", color="0.92")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)


def run_child(arguments: list[str], cache: Path) -> dict[str, Any]:
    environment = {**os.environ, "DRAGOMAN_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, __file__, *arguments], env=environment, capture_output=True, text=True, timeout=1800
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--quick", action="store_true", help="20 models at most")
    parser.add_argument("--child", nargs=3, metavar=("KIND", "COUNT", "WORKERS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, count, workers = options.child
        folders = [options.models / f"m{number:03d}" for number in range(int(count))]
        lines = (options.models / "lines.txt").read_text(encoding="utf-8").splitlines()
        found = cell(folders, int(workers), lines[:20]) if kind == "cell" else speed(folders, lines)
        print(json.dumps(found))
        return
    counts = [count for count in MODELS if count <= 20 or not options.quick]
    with tempfile.TemporaryDirectory() as temporary:
        folder, cache = Path(temporary) / "models", Path(temporary) / "cache"
        make_models(options.models, folder, counts[-1])
        text = (options.models / "ende-tiny-ssru" / "ref" / "test200.en").read_text(encoding="utf-8")
        (folder / "lines.txt").write_text(text, encoding="utf-8")
        run_child([str(folder), "--child", "cell", str(counts[-1]), "1"], cache)  # prepares all weights
        cells = []
        for count in counts:
            for workers in WORKERS:
                cells.append(run_child([str(folder), "--child", "cell", str(count), str(workers)], cache))
                points = cells[-1]["points"]
                print(
                    f"{count:4d} models x {workers} workers: RSS {points['warm']['rss']:7.1f}, PSS "
                    f"{points['warm']['pss']:7.1f}, private {points['warm']['private']:6.1f} MB, all removed "
                    f"{points['removed']['rss']:6.1f} (start {points['start']['rss']:6.1f})"
                    + ("" if cells[-1]["all_warm"] else "  NOT every worker saw every model"),
                    flush=True,
                )
        rates = run_child([str(folder), "--child", "speed", str(min(40, counts[-1])), "1"], cache)
    fits = {quantity: fit(cells, quantity) for quantity in ("rss", "private", "anonymous")}
    for quantity, (a, b, c, d) in fits.items():
        print(f"{quantity}: {a:.1f} + {b:.2f} N + {c:.2f} W + {d:.3f} N W MB")
    print(
        f"{min(20, counts[-1] // 2)} models in turn, throughput against one: single {rates['single']:.0%}, "
        f"batches {rates['batch']:.0%}"
    )
    options.output.mkdir(exist_ok=True)
    record = {
        "processor": processor(),
        "load": os.getloadavg()[0],
        "cells": cells,
        "fits_mb": fits,
        "throughput": rates,
    }
    (options.output / "many_models.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    peers = json.loads((options.output / "many_models_peers.json").read_text(encoding="utf-8"))
    draw(cells, peers["rss_mb_4_workers"], options.output / "many_models.png")


if __name__ == "__main__":
    main()
