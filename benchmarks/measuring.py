"""Engines as processes, and rounds over them: A B C, A B C, one at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines import BATCHES, PREPARE
from workloads import Contender, Workload

WORKER = str(Path(__file__).with_name("worker.py"))
KINDS = ("batch", "single")
STARTS = 3
CTRANSLATE2_SETS = {
    "amx": ("AVX512", "AVX512_CORE_AMX", "AVX512_E4"),
    "avx512vnni": ("AVX512", "AVX512_CORE_VNNI", "AVX512_E1"),
    "avx512bw": ("AVX512", "AVX512_CORE", "AVX512"),
    "avxvnni": ("AVX2", "AVX2_VNNI", "AVX2_E1"),
    "avx2": ("AVX2", "AVX2", "AVX2"),
}
"""What holds CTranslate2 to the instructions of kernels: itself, and oneDNN and MKL, which multiply its int8 matrices
and choose for themselves otherwise."""


@dataclass
class Measured:
    """What one engine took.

    Attributes:
        start: seconds until the model was loaded, and until the first sentence was translated; the best of some.
        runs: of each kind, round by round; without batches those of "batch" are those of "single".
        work: by kind, operations that the products need and bytes of workspace; of dragoman only.
    """

    contender: Contender
    start: dict[str, float]
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    work: dict[str, dict[str, float]] = field(default_factory=dict)


class Process:
    """A worker with one engine; a context manager that ends it."""

    def __init__(self, python: str, contender: Contender, folder: Path, place: Path) -> None:
        self.contender = contender
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "DRAGOMAN_CACHE": str(place / "cache")}
        if contender.target:
            environment["DRAGOMAN_CPU"] = contender.target
            names = ("CT2_FORCE_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
            sets = CTRANSLATE2_SETS.get(contender.target, ("GENERIC", "SSE41", "SSE4_2"))
            environment.update(zip(names, sets, strict=True))
        values = {
            "folder": str(folder),
            "precision": contender.precision,
            "beam": contender.beam,
            "place": str(place),
        }
        tail = [contender.engine, json.dumps(values)]
        if contender.engine in PREPARE:
            subprocess.run([python, WORKER, "prepare", *tail], env=environment, check=True, stdout=sys.stderr)
        starts: list[dict[str, Any]] = []
        for _ in range(STARTS):
            if starts:
                self.end()
            self._process = subprocess.Popen(
                [python, WORKER, "run", *tail],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
            starts.append(self._answer())
        self.measured = Measured(contender, min(starts, key=lambda start: start["first_s"]))

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.send(request)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.contender.name} ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer


def interpreter(engine: str, pythons: list[str]) -> str | None:
    """The first of these interpreters in which an engine is installed."""
    probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({engine!r}) is None)"
    return next((one for one in pythons if subprocess.run([one, "-c", probe]).returncode == 0), None)


def measure(workload: Workload, folder: Path, lines: list[str], pythons: list[str], repeats: int) -> list[Measured]:
    """All contenders that are installed, after one round that does not count. The first one must be."""
    texts = {"batch": lines[: workload.lines], "single": lines[: workload.single]}
    with ExitStack() as stack:
        processes = []
        for contender in workload.contenders:
            python = interpreter(contender.engine, pythons)
            if python is None:
                print(f"{contender.engine} is not installed in any interpreter given: left out", file=sys.stderr)
                continue
            place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            processes.append(stack.enter_context(Process(python, contender, folder, place)))
        for kind in KINDS:
            able = [one for one in processes if kind == "single" or one.contender.engine in BATCHES]
            for process in able:
                process.send({"lines": texts[kind]})
            for round_ in range(1 + repeats):
                for process in able:
                    run = process.ask({"run": kind})
                    if round_:
                        process.measured.runs[kind].append(run)
        for process in processes:
            if process.contender.engine == "dragoman":  # last, since it takes memory of its own
                for kind in KINDS:
                    process.send({"lines": texts[kind]})
                    process.measured.work[kind] = process.ask({"work": kind})
        return [process.measured for process in processes]
