"""Sentence pairs: reading them, and the SentencePiece vocabulary of a language pair."""

from __future__ import annotations

import io
import lzma
from dataclasses import dataclass
from pathlib import Path

import sentencepiece

# File names: `deu-eng.train.tsv.xz`, `deu-eng.dev.tsv`, ...; English is the first column.
LANGUAGES = {"de": "deu", "fr": "fra"}


@dataclass(frozen=True)
class Pairs:
    """Sentences and their translations, line by line."""

    sources: list[str]
    targets: list[str]

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise ValueError(f"{len(self.sources)} sources, but {len(self.targets)} targets")


@dataclass(frozen=True)
class Direction:
    """A source and a target language, one of them English."""

    source: str
    target: str

    @classmethod
    def parse(cls, name: str) -> Direction:
        """Read ``en-de`` and the like."""
        source, _, target = name.partition("-")
        if "en" not in (source, target) or not {source, target} & set(LANGUAGES):
            raise ValueError(f"'{name}' is no direction of the demo models: en-de, de-en, en-fr or fr-en")
        return cls(source, target)

    @property
    def other(self) -> str:
        """The language that is not English."""
        return self.target if self.source == "en" else self.source

    @property
    def reverse(self) -> Direction:
        """The other direction of the pair."""
        return Direction(self.target, self.source)

    def __str__(self) -> str:
        return f"{self.source}-{self.target}"


def read(folder: Path, direction: Direction, split: str) -> Pairs:
    """Read ``train``, ``dev`` or ``test`` of the language pair, turned into this direction."""
    path = folder / f"{LANGUAGES[direction.other]}-eng.{split}.tsv"
    packed = path.with_name(path.name + ".xz")
    data = lzma.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    rows = [line.split("\t") for line in data.decode("utf-8").removesuffix("\n").split("\n")]
    english, other = [row[0] for row in rows], [row[1] for row in rows]
    return Pairs(english, other) if direction.source == "en" else Pairs(other, english)


def train_vocabulary(pairs: Pairs, path: Path, *, pieces: int) -> None:
    """Train one SentencePiece vocabulary for both sides, with Marian's ids (EOS 0, unknown 1, no others)."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(pairs.sources + pairs.targets),
        model_writer=model,
        model_type="unigram",
        vocab_size=pieces,
        normalization_rule_name="nmt_nfkc",
        character_coverage=1.0,
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        num_threads=1,
    )
    path.write_bytes(model.getvalue())
