"""Whole models, damaged: `load` gives a model that translates, or one of our errors; the process lives either way.

Runs in a child process with little memory, so that a crash or an unbounded allocation is seen.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import random, resource, sys, warnings
warnings.simplefilter("ignore")  # arithmetic on damaged weights may overflow
sys.path[:0] = {paths!r}
from pathlib import Path
import numpy as np
import dragoman
from attacks.mutations import mutate
from dragoman.formats.model_file import write_parameters
from dragoman.formats.quantize import quantize
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_binary import write_binary_shortlist
from backends.families import parameter_file
from random_models import FAMILIES, make_model

folder = Path({folder!r})
spm = (folder / "vocab.spm").read_bytes()
sound = {{}}
for name in ("ssru", "transformer-prenorm", "s2s-lstm-norm", "average"):
    options, arrays = make_model(FAMILIES[name], 64)
    file = parameter_file(options, arrays)
    for suffix, content in (("npz", file), ("bin", quantize(file))):
        path = folder / f"sound.{{suffix}}"
        write_parameters(content, path)
        sound[name, suffix] = path.read_bytes()
ids = np.arange(640, dtype=np.uint32) % 64
lists = np.sort(ids.reshape(64, 10), axis=1).reshape(-1)
write_binary_shortlist(Shortlist(8, 10, np.arange(0, 641, 10), lists), folder / "sound.lex")
lexicon = (folder / "sound.lex").read_bytes()
# The address space of what is loaded, and 1 GB more.
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30),) * 2)
loaded = refused = 0
for seed in range({first}, {last}):
    rng = random.Random(seed)
    (name, suffix), model = rng.choice(list(sound.items()))
    which = rng.random()
    paths = folder / f"model.{{suffix}}", folder / "vocab.used.spm", folder / "lex.bin"
    paths[0].write_bytes(mutate(model, seed) if which < 0.7 else model)
    paths[1].write_bytes(mutate(spm, seed) if which > 0.9 else spm)
    paths[2].write_bytes(mutate(lexicon, seed) if 0.7 <= which <= 0.9 else lexicon)
    print(seed, file=sys.stderr, flush=True)
    try:
        files = dragoman.ModelFiles(paths[0], (paths[1], paths[1]), paths[2] if rng.random() < 0.5 else None)
        found = dragoman.load(files, precision=rng.choice(("auto", "float32", "int8")))
        with dragoman.Translator(found, workspace_limit=1 << 28) as translator:
            translator.translate(["abc def", "", "ghi"], beam_size=rng.choice((1, 3)), max_length_factor=2.0)
        loaded += 1
    except dragoman.DragomanError:
        refused += 1
print(loaded, refused)
"""


def attack(folder: Path, spm: bytes, first: int, last: int) -> tuple[int, int]:
    (folder / "vocab.spm").write_bytes(spm)
    paths = [path for path in sys.path if path]
    code = CHILD.format(paths=paths, folder=str(folder), first=first, last=last)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr[-400:]
    loaded, refused = map(int, done.stdout.split())
    assert loaded + refused == last - first
    return loaded, refused


def test_damaged_models(tmp_path: Path, spm_bytes: bytes) -> None:
    loaded, refused = attack(tmp_path, spm_bytes, 0, 250)
    assert loaded > 10 and refused > 10


@pytest.mark.slow
def test_damaged_models_thoroughly(tmp_path: Path, spm_bytes: bytes) -> None:
    attack(tmp_path, spm_bytes, 1000, 11000)
