"""The native core under ThreadSanitizer or AddressSanitizer, while workers, loads and evictions race.

Needs a build of the native module with a sanitizer, and says where that is:

    cmake -S . -B build/thread -DDRAGOMAN_SANITIZE=thread && cmake --build build/thread
    DRAGOMAN_SANITIZED=build/thread pytest -m slow tests/service/test_sanitizers.py

Reports from other libraries do not count: SentencePiece is not instrumented, so its locks are not seen.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fleet_tools import make_folders

CHILD = """
import os, random, sys, threading, time
from pathlib import Path
import dragoman
dragoman.__path__.insert(0, sys.argv[1])
from dragoman import _native
assert _native.__file__.startswith(sys.argv[1]), _native.__file__

folder, seconds = Path(sys.argv[2]), float(sys.argv[3])
fleet = dragoman.Fleet(weights_budget=400_000)
for path in sorted(folder.iterdir()):
    fleet.add(path.name, path)
names = fleet.names()
end = time.monotonic() + seconds
answers = 0

def client(seed):
    global answers
    rng = random.Random(seed)
    while time.monotonic() < end:
        futures = [
            service.submit(["abc de fghi"] * rng.randrange(1, 5), model=rng.choice(names), beam_size=rng.choice((1, 3)))
            for _ in range(4)
        ]
        if rng.random() < 0.3:
            futures[0].cancel()
        if rng.random() < 0.2:
            fleet.unload(rng.choice(names))
        for future in futures:
            if not future.cancelled():
                answers += len(future.result(60))

with dragoman.Service(fleet, workers=3) as service:
    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
fleet.close()
print(f"{answers} answers")
"""


def runtime(build: Path) -> tuple[str, dict[str, str]]:
    """The sanitizer that a build has, and the environment that it needs in a Python without it."""
    cache = (build / "CMakeCache.txt").read_text()
    found = re.search(r"^DRAGOMAN_SANITIZE:STRING=(\w+)$", cache, re.MULTILINE)
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
    if found is None or compiler is None:
        pytest.skip(f"{build} has no sanitizer")
    library = {"thread": "libtsan.so", "address": "libasan.so"}[found[1]]
    path = subprocess.run([compiler[1], f"-print-file-name={library}"], capture_output=True, text=True, check=True)
    options = {"TSAN_OPTIONS": "exitcode=0 history_size=4", "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}
    # Each Python object an allocation of its own: else AddressSanitizer does not see what is done to them.
    return found[1], {"LD_PRELOAD": path.stdout.strip(), "PYTHONMALLOC": "malloc", **options}


def in_native_core(report: str) -> bool:
    """Whether one of ours is among the frames of a report."""
    return "_native" in report or "native/" in report


@pytest.mark.slow
def test_sanitizer(tmp_path: Path, spm_bytes: bytes) -> None:
    build = os.environ.get("DRAGOMAN_SANITIZED")
    if not build or not list(Path(build).glob("_native*.so")):
        pytest.skip("DRAGOMAN_SANITIZED names no sanitized build: see the docstring")
    _, environment = runtime(Path(build))
    make_folders(tmp_path / "models", spm_bytes, 6)
    command = [sys.executable, "-c", CHILD, str(Path(build).resolve()), str(tmp_path / "models")]
    command.append(os.environ.get("DRAGOMAN_SOAK_S", "20"))
    if shutil.which("setarch"):
        command[:0] = ["setarch", platform.machine(), "-R"]  # gcc's ThreadSanitizer knows no wide randomisation
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths, "DRAGOMAN_CACHE": str(tmp_path / "cache"), **environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.split()[0]) > 10, done.stdout
    reports = re.split(r"^=+$", done.stderr, flags=re.MULTILINE)
    ours = [report for report in reports if "Sanitizer" in report and in_native_core(report)]
    assert not ours, ours[0][:4000]
