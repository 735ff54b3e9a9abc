"""Students of the two larger sizes, made from a seed: what they cost is that of real ones, what they say is noise.

    python benchmarks/students.py MODELS FOLDER [--only b]

b is a base-memory student (width 384, 6 + 4 layers), c a base student (width 512, 6 + 2 layers): SSRU decoders, 32 000
pieces, int8 with multipliers, no shortlist. MODELS holds ``ende-tiny-ssru``, whose test set calibrates them; the
vocabulary is trained on ``../data/tatoeba`` beside it.
"""

from __future__ import annotations

import argparse
import lzma
import math
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.formats.npz import write_npz
from dragoman.formats.parameters import Parameter, freeze

PIECES = 32_000
LENGTH = 20  # of a translation, about
EMBEDDING = 0.5  # deviation of embeddings when they are read
STOP = 0.15  # weights of the end-of-sentence piece in the band that ends translations
GAIN = 20.0  # of that band, from the embeddings to the output layer
DECODER = """\
relative-paths: true
models: [model.bin]
vocabs: [vocab.spm, vocab.spm]
beam-size: 1
normalize: 1.0
max-length-factor: 3.0
skip-cost: true
gemm-precision: int8shiftAlphaAll
"""
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """Width, inner width of the feed-forward layers, and layers of encoder and decoder."""

    width: int
    inner: int
    encoder: int
    decoder: int


SHAPES = {"b": Shape(384, 1536, 6, 4), "c": Shape(512, 2048, 6, 2)}


def options(shape: Shape, pieces: int) -> dict[str, Any]:
    """Marian's, of a student as Firefox trains them."""
    return {
        "type": "transformer",
        "dim-emb": shape.width,
        "dim-vocabs": [pieces, pieces],
        "enc-depth": shape.encoder,
        "dec-depth": shape.decoder,
        "dec-cell": "ssru",
        "tied-embeddings-all": True,
        "transformer-decoder-autoreg": "rnn",
        "transformer-dim-ffn": shape.inner,
        "transformer-ffn-activation": "relu",
        "transformer-heads": 8,
        "transformer-postprocess": "dan",
        "transformer-postprocess-emb": "d",
        "transformer-postprocess-top": "",
        "transformer-preprocess": "",
    }


def parameters(shape: Shape, pieces: int, seed: int) -> dict[str, Array]:
    """Normal matrices of Glorot's size. (Uniform ones would be large everywhere and overflow the 16 bits in which
    engines without VNNI add pairs; trained ones do not.)"""
    random = np.random.default_rng(seed)
    width, inner = shape.width, shape.inner
    found: dict[str, Array] = {}

    def matrix(name: str, rows: int, columns: int, deviation: float = 0.0) -> None:
        deviation = deviation or math.sqrt(2 / (rows + columns))
        found[name] = np.float32(deviation) * random.standard_normal((rows, columns), np.float32)

    def row(name: str, columns: int, value: float = 0.0) -> None:
        found[name] = np.full((1, columns), value, np.float32)

    def norm(prefix: str) -> None:
        row(f"{prefix}_ln_scale", width, 1.0)
        row(f"{prefix}_ln_bias", width)

    def attention(prefix: str) -> None:
        # Large queries and keys choose among the positions, as trained ones do; the decoder listens to its source.
        for letter in "qkvo":
            large = letter in "qk" or (letter == "o" and "context" in prefix)
            matrix(f"{prefix}_W{letter}", width, width, math.sqrt(1 / width) * (2 if large else 1))
            row(f"{prefix}_b{letter}", width)
        norm(f"{prefix}_Wo")

    def feed_forward(prefix: str) -> None:
        matrix(f"{prefix}_W1", width, inner)
        row(f"{prefix}_b1", inner)
        matrix(f"{prefix}_W2", inner, width)
        row(f"{prefix}_b2", width)
        norm(f"{prefix}_ffn")

    matrix("Wemb", pieces, width, EMBEDDING / math.sqrt(width))
    row("decoder_ff_logit_out_b", pieces)
    for layer in range(1, shape.encoder + 1):
        attention(f"encoder_l{layer}_self")
        feed_forward(f"encoder_l{layer}_ffn")
    for layer in range(1, shape.decoder + 1):
        matrix(f"decoder_l{layer}_rnn_W", width, width)
        matrix(f"decoder_l{layer}_rnn_Wf", width, width)
        row(f"decoder_l{layer}_rnn_bf", width)
        norm(f"decoder_l{layer}_rnn_ffn")
        attention(f"decoder_l{layer}_context")
        feed_forward(f"decoder_l{layer}_ffn")
    _stop(found, shape)
    return found


def _stop(found: dict[str, Array], shape: Shape) -> None:
    """Let translations end of themselves, after about LENGTH pieces whatever the text: every engine then does the same
    work, and needs no limit.

    A band of columns carries nothing but the position through the decoder: no sublayer writes there, and the norms
    amplify it. Its sines and cosines make the logit of EOS sum(sin(rate * (position - LENGTH))), which rises through 0.
    """
    half = shape.width // 2
    rates = np.exp(np.arange(half) * (-math.log(10_000) / (half - 1)))
    slow = np.flatnonzero((rates * LENGTH > 0.8) & (rates * LENGTH < 2.8))
    band = np.concatenate([slow, slow + half])
    phases = rates[slow] * LENGTH
    found["Wemb"][:, band] = 0
    found["Wemb"][0, band] = STOP * np.concatenate([np.cos(phases), -np.sin(phases)])
    for name, array in found.items():
        if name.startswith("decoder_l"):
            if name.endswith(("_Wo", "_W2", "_rnn_W")):
                array[:, band] = 0
            elif name.endswith("_ln_scale"):
                array[:, band] = GAIN ** (1 / (3 * shape.decoder))


def make_vocabulary(data: Path, path: Path) -> None:
    """A SentencePiece vocabulary of both sides of the German pairs, with Marian's ids."""
    import sentencepiece

    text = lzma.decompress((data / "deu-eng.train.tsv.xz").read_bytes()).decode()
    sentences = [side for line in text.splitlines() for side in line.split("\t")]
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=file,
            model_type="unigram",
            vocab_size=PIECES,
            normalization_rule_name="nmt_nfkc",
            character_coverage=1.0,
            eos_id=0,
            unk_id=1,
            bos_id=-1,
            pad_id=-1,
            num_threads=1,
            minloglevel=1,
        )


def make(name: str, models: Path, folder: Path) -> None:
    """The files of one student in ``folder``; the vocabulary lies above it, for all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder.parent / "vocab.spm"
    if not vocabulary.exists():
        make_vocabulary(models.parent / "data" / "tatoeba", vocabulary)
    shutil.copyfile(vocabulary, folder / "vocab.spm")
    shape = SHAPES[name]
    arrays = parameters(shape, PIECES, seed=1)
    floats = {key: Parameter(key, value.shape, value) for key, value in arrays.items()}
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.npz"
        write_npz(freeze(path, floats, options(shape, PIECES), {}), path)
        text = models / "ende-tiny-ssru" / "ref" / "test200.en"
        convert = [sys.executable, "-m", "dragoman", "convert", str(path), str(folder / "model.bin")]
        arguments = ["--calibrate", str(text), "--vocabs", str(vocabulary), str(vocabulary)]
        subprocess.run([*convert, *arguments], check=True)
    (folder / "decoder.yml").write_text(DECODER, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=SHAPES, action="append")
    given = parser.parse_args()
    for name in given.only or SHAPES:
        make(name, given.models, given.folder / name)


if __name__ == "__main__":
    main()
