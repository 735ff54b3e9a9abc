"""Nothing is allocated while a batch runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

PROGRAM = """
import ctypes, gc, sys
sys.path[:0] = {paths!r}
from pathlib import Path
import numpy as np
from native_models import Case, model_of
from dragoman import _native
from dragoman.backends import native
from dragoman.backends.batch import SearchOptions
count = ctypes.CDLL(None).allocation_count
count.restype = ctypes.c_long
before = count()
large = bytearray(100_000)
assert count() > before, "the counter does not count"
gc.disable()
for case in (Case("enfr-selfattn", "en", "fr"), Case("enfr-s2s", "en", "fr"), Case("csen-untied", "cs", "en"),
             Case("deen-tiny-ssru", "de", "en", int8=True, shortlist=True)):
    model = model_of(Path({shared!r}), case)
    ids = [model.pieces.finish(own) for own in model.pieces.encode(case.lines(Path({shared!r}), 20))]
    ids.sort(key=len, reverse=True)
    source = np.array([i for own in ids for i in own], np.int32)
    offsets = np.array([0, *np.cumsum([len(own) for own in ids])], np.int32)
    limits = np.array([2 * len(own) for own in ids], np.int32)
    for options in (SearchOptions(), SearchOptions(beam_size=4, alignment=True)):
        members = [(model.weights.ready().placed.native, 1.0)]
        call = _native.Call(members, model.placed_shortlist, source, offsets, limits, None, None,
                            native.native_options(options))
        workspace, stop = _native.Workspace(call.need(_native.Workspace(1 << 20, 1 << 30)), 1 << 30), _native.StopFlag()
        for _ in range(2):
            before = count()
            call.run(workspace, stop)
            allocations = count() - before
        print(case, options.beam_size, allocations)
"""


def test_no_allocation_inside_a_batch(shared: Path, tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs gcc and glibc to count allocations")
    library = tmp_path / "allocation_counter.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "allocation_counter.c", "-ldl"],
        check=True,
    )
    golden = HERE.parent / "golden"
    code = PROGRAM.format(paths=[str(golden), *(path for path in sys.path if path)], shared=str(shared))
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    counts = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
    assert len(counts) == 8
    assert all(count == "0" for _, count in counts), done.stdout
