"""Runs Marian itself (pymarian) on a random model, and keeps what it said in ``marian_scores.json``.

``DRAGOMAN_PYMARIAN=<python> PYTHONPATH=src:tests python tests/architectures/marian.py`` records anew; only
the first Python needs pymarian.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from random_models import FAMILIES, make_model, save_model

RECORD = Path(__file__).with_name("marian_scores.json")
VOCABULARY = 37
SEED = 3
LONGEST = 12
SENTENCES = ([5, 9, 3], [36, 2, 2, 17, 8, 30, 11], [4], [12, 25, 6, 7, 33, 2, 19, 20, 21, 22])
CHILD = "import sys, pymarian; print(pymarian.Translator(sys.argv[1]).translate(sys.argv[2]))"
COMPARED = {"transformer-prenorm": 1, "transformer-rms": 1}
"""Positions recorded, if fewer: Marian 1.12 decodes pre-norm self-attention as it trains at the first."""


def fingerprint(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Tells whether NumPy still draws the same weights."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()[:16]


def translate_with_marian(python: str, model: Path) -> list[tuple[list[int], list[float]]]:
    """Greedy translations of the sentences: tokens as printed, EOS included, and their log-probabilities."""
    vocabulary = model.with_name("vocab.txt")
    words = ["</s>", "<unk>", *(f"w{number}" for number in range(2, VOCABULARY))]
    vocabulary.write_text("".join(f"{word}\n" for word in words))
    options = (
        f"--models {model} --vocabs {vocabulary} {vocabulary} --cpu-threads 1 --workspace 32 --quiet "
        "--beam-size 1 --n-best --word-scores --max-length-factor 3"
    )
    text = "\n".join(" ".join(f"w{number}" for number in sentence) for sentence in SENTENCES)
    done = subprocess.run([python, "-c", CHILD, options, text], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found = []
    for line in done.stdout.strip().splitlines():
        fields = line.split(" ||| ")
        scores = [float(score) for score in re.sub("WordScores=", "", fields[2]).split()]
        tokens = [int(word[1:]) for word in fields[1].split()]
        found.append((tokens + [0] * (len(scores) - len(tokens)), scores))
    return found


def record(python: str) -> dict[str, dict[str, Any]]:
    """What Marian makes of each family."""
    found: dict[str, dict[str, Any]] = {}
    for name, family in FAMILIES.items():
        options, arrays = make_model(family, VOCABULARY, SEED)
        with tempfile.TemporaryDirectory() as folder:
            save_model(Path(folder) / "model.npz", options, arrays)
            translated = translate_with_marian(python, Path(folder) / "model.npz")
        count = COMPARED.get(name, LONGEST)
        kept = []
        for tokens, scores in translated:
            ends = tokens[-1] == 0
            if options.get("right-left"):  # printed from left to right, generated from right to left
                tokens = (tokens[:-1] if ends else tokens)[::-1] + [0] * ends
            kept.append([tokens[:count], scores[:count]])
        found[name] = {"weights": fingerprint(arrays), "translations": kept}
    return found


if __name__ == "__main__":
    entries = record(os.environ["DRAGOMAN_PYMARIAN"]).items()
    body = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}" for name, entry in entries
    )
    RECORD.write_text(f"{{\n{body}\n}}\n")
