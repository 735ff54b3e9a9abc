"""One engine in a process of its own, driven by lines of JSON: ``compare.py`` starts one for each.

    python benchmarks/engines.py dragoman FOLDER SOURCE.spm

Requests: {"lines": [...]} loads nothing, keeps the text; {"run": "batch" | "single"} translates it and answers with
seconds (wall, cpu), milliseconds of each line (single), and memory; {"quit": true} ends it. Engines see one thread.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Translate = Callable[[Sequence[str]], list[str]]


def dragoman(folder: Path, precision: str) -> Translate:
    import dragoman

    model = dragoman.load(folder, precision=precision)  # type: ignore[arg-type]
    translator = dragoman.Translator(model)
    return lambda lines: [translation.text for translation in translator.translate(lines, beam_size=1)]


def ctranslate2(folder: Path, precision: str) -> Translate:
    """Marian's model converted by its own converter. The converter needs two things mended: a NUL at the end of the
    embedded settings, and a vocabulary as a map."""
    import ctranslate2
    import numpy as np
    import sentencepiece
    import yaml

    spm = sentencepiece.SentencePieceProcessor(model_file=str(next(folder.glob("vocab.*.spm"))))
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        arrays = dict(np.load(folder / "model.npz"))
        settings = arrays["special:model.yml"].tobytes().rstrip(b"\0")
        arrays["special:model.yml"] = np.frombuffer(settings, np.int8)
        np.savez(place / "model.npz", **arrays)
        pieces = {spm.id_to_piece(number): number for number in range(spm.get_piece_size())}
        (place / "vocab.yml").write_text(yaml.safe_dump(pieces, allow_unicode=True), encoding="utf-8")
        vocabulary = str(place / "vocab.yml")
        converter = ctranslate2.converters.MarianConverter(str(place / "model.npz"), [vocabulary, vocabulary])
        converter.convert(str(place / "out"), quantization="int8" if precision == "int8" else None)
        translator = ctranslate2.Translator(
            str(place / "out"), compute_type=precision, inter_threads=1, intra_threads=1
        )

    def translate(lines: Sequence[str]) -> list[str]:
        # Its sorted batches of 64 sentences are what dragoman makes too.
        tokens = [[*pieces, "</s>"] for pieces in spm.encode(list(lines), out_type=str)]
        found = translator.translate_batch(
            tokens, beam_size=1, max_batch_size=64, batch_type="examples", max_decoding_length=250
        )
        return [spm.decode(result.hypotheses[0]) for result in found]

    return translate


def fxtranslate(folder: Path, precision: str) -> Translate:
    """The Rust port of Firefox's engine. It has no batches."""
    import fxtranslate

    vocabulary = next(folder.glob("vocab.*.spm")).read_bytes()
    model = (folder / "model.intgemm.alphas.bin").read_bytes()
    shortlist = (folder / "lex.50.50.s2t.bin").read_bytes()
    translator = fxtranslate.Translator(model, vocabulary, vocabulary, shortlist)
    return lambda lines: [translator.translate(line) for line in lines]


ENGINES = {"dragoman": dragoman, "ctranslate2": ctranslate2, "fxtranslate": fxtranslate}


def measure(translate: Translate, lines: list[str], single: bool) -> dict[str, Any]:
    """Translates all lines and says what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    latencies: list[float] = []
    if single:
        texts = []
        for line in lines:
            start = time.perf_counter()
            texts += translate([line])
            latencies.append(1e3 * (time.perf_counter() - start))
    else:
        texts = translate(lines)
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "latencies_ms": latencies,
        "texts": texts,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    name, folder, precision = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    start = time.perf_counter()
    translate = ENGINES[name](folder, precision)
    print(json.dumps({"load_s": time.perf_counter() - start}), flush=True)
    lines: list[str] = []
    for request in map(json.loads, sys.stdin):
        if "lines" in request:
            lines = request["lines"]
        elif "run" in request:
            print(json.dumps(measure(translate, lines, request["run"] == "single")), flush=True)
        else:
            return


if __name__ == "__main__":
    main()
