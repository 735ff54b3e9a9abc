"""A whole catalogue: 106 pairs of real size pulled from a mirror, and a fleet that serves all of them in 4 GB.

    python benchmarks/catalogue.py STUDENT FOLDER [--pairs 106] [--budget "2 GB"] [--output benchmarks/results]

STUDENT is a folder with ``model.bin`` and ``vocab.spm``, such as `benchmarks/students.py` makes (b: base-memory, 31.6
MB); every pair is it with weights of its own. FOLDER takes the mirror, the store and the cache: some 12 GB. Writes
``catalogue.md``. The first part serves and pulls in processes of their own; the second translates a line with every
model in turn, twice.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import http.server
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import processor

from dragoman.formats.model_file import read_parameters, write_parameters
from dragoman.formats.parameters import freeze

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LANGUAGES = (
    "ar az be bg bn bs ca cs da de el es et fa fi fr gu he hi hr hu id is it ja kn ko lt lv ml ms nb nl nn pl pt ro ru "
    "sk sl sq sr sv ta te th tr uk vi zh ur mk af"
)
RECORDS = "records.json"
MB = 1e6


def make_mirror(student: Path, folder: Path, pairs: list[tuple[str, str]]) -> None:
    """Attachments and records as Remote Settings has them."""
    folder.mkdir(parents=True, exist_ok=True)
    file = read_parameters(student / "model.bin")
    spm = (student / "vocab.spm").read_bytes()
    records = []
    for number, (source, target) in enumerate(pairs):
        rng = np.random.default_rng(number)
        changed = {}
        for name, parameter in file.parameters.items():
            if parameter.data.dtype == np.int8:
                noise = rng.integers(-1, 2, parameter.data.shape, np.int8)
                parameter = replace(parameter, data=np.clip(parameter.data + noise, -127, 127).astype(np.int8))
            changed[name] = parameter
        scratch = folder / "scratch.bin"
        write_parameters(freeze(file.path, changed, file.options, file.alphas), scratch)
        short = source[:2] + target[:2]
        # Every pair has a vocabulary of its own: bytes behind a field that readers pass by.
        own = spm + b"\xa2\x06\x08" + f"{number:08d}".encode()
        files = {
            "model": (f"model.{short}.intgemm.alphas.bin", scratch.read_bytes()),
            "vocab": (f"vocab.{short}.spm", own),
        }
        for kind, (name, data) in files.items():
            packed = zstd.compress(data, 1)
            location = f"{source}-{target}-{kind}.zst"
            (folder / location).write_bytes(packed)
            digests = [hashlib.sha256(one).hexdigest() for one in (packed, data)]
            attachment = {"hash": digests[0], "size": len(packed), "filename": name + ".zst", "location": location}
            records.append(
                {"name": name, "version": "3.0", "fileType": kind, "architecture": "base-memory",
                 "sourceLanguage": source, "targetLanguage": target, "decompressedHash": digests[1],
                 "decompressedSize": len(data), "filter_expression": "", "attachment": attachment}
            )  # fmt: skip
    (folder / RECORDS).write_text(json.dumps({"data": records}))


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass


def pull(mirror: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of a first and of a second ``pull --all``."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(mirror)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = f"http://127.0.0.1:{server.server_port}/{RECORDS}"
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        command = [sys.executable, "-m", "dragoman", "models", "pull", "--all", "--source", source]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - started)
    server.shutdown()
    return taken[0], taken[1]


def serve(budget: str) -> dict[str, object]:
    """In a process of its own: start, one line with every model in two rounds, memory."""
    started = time.perf_counter()
    import dragoman

    fleet = dragoman.Fleet.from_directory(weights_budget=budget)
    names = [name for name in fleet.names() if "firefox" in name]
    facts: dict[str, object] = {"models": len(names)}
    with dragoman.Service(fleet, workers=2) as service:
        facts["start_s"] = time.perf_counter() - started
        facts["rss_start_mb"] = rss("VmRSS") / MB
        rounds = []
        for seed in range(3):
            random.Random(seed).shuffle(names)
            times = []
            for name in names:
                before = time.perf_counter()
                service.translate("A man in a blue shirt is standing on a ladder.", model=name)
                times.append(time.perf_counter() - before)
            rounds.append(times)
        facts["cold_ms"] = [1e3 * statistics.median(times) for times in rounds]
        facts["worst_ms"] = [1e3 * max(times) for times in rounds]
        facts["rss_mb"], facts["peak_mb"] = rss("VmRSS") / MB, rss("VmHWM") / MB
        facts["anonymous_mb"] = rss("RssAnon") / MB
    return facts


def rss(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        print(json.dumps(serve(sys.argv[2])))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("student", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=106)
    parser.add_argument("--budget", default="2 GB")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"))
    chosen = parser.parse_args()
    ways = [pair for code in LANGUAGES.split() for pair in ((code, "en"), ("en", code))][: chosen.pairs]
    mirror = chosen.folder / "mirror"
    if not (mirror / RECORDS).exists():
        make_mirror(chosen.student, mirror, ways)
    environment = os.environ | {
        "DRAGOMAN_MODELS": str(chosen.folder / "store"), "DRAGOMAN_CACHE": str(chosen.folder / "cache")
    }  # fmt: skip
    first, again = pull(mirror, environment)
    size = sum(path.stat().st_size for path in mirror.glob("*.zst")) / MB
    rows = []
    for title, budget in (("first use", chosen.budget), ("prepared", chosen.budget), ("all resident", "100 GB")):
        command = [sys.executable, __file__, "--serve", budget]
        done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
        rows.append((title, budget, json.loads(done.stdout)))
    report = f"""\
# A whole catalogue

`benchmarks/catalogue.py`, {processor()}, {os.cpu_count()} cores.

`models pull --all`: {len(ways)} pairs, {size:,.0f} MB as they travel, from a server on the same machine: {first:.0f} s
({size / first:.0f} MB/s with every checksum, unpacking and writing); again, with nothing new: {again:.1f} s.

A fleet of all of them, two workers; one line with each model in random order, in three rounds. On first use each
model's weights are prepared and kept.

{TABLE}
"""
    report += "\n".join(_row(*row) for row in rows) + "\n"
    (chosen.output / "catalogue.md").write_text(report, encoding="utf-8")
    print(report)


TABLE = """\
| | budget | start, s | RSS then, MB | line: median of rounds, ms | worst, ms | RSS, MB | private, MB | peak, MB |
|---|---|---|---|---|---|---|---|---|"""


def _row(title: str, budget: str, facts: dict[str, Any]) -> str:
    medians, worst = (", ".join(f"{one:.0f}" for one in facts[key]) for key in ("cold_ms", "worst_ms"))
    return (
        f"| {title} | {budget} | {facts['start_s']:.2f} | {facts['rss_start_mb']:.0f} | {medians} | {worst} | "
        f"{facts['rss_mb']:.0f} | {facts['anonymous_mb']:.0f} | {facts['peak_mb']:.0f} |"
    )


if __name__ == "__main__":
    main()
