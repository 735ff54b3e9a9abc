"""Whether a model's vocabulary and what makes pieces of text for it belong together.

Without this, a vocabulary of pieces that the segmenter never makes turns every word into an unknown one, and the model
writes fluent nonsense.
"""

from __future__ import annotations

import logging

from dragoman.errors import ModelFormatError, UnsupportedModelError
from dragoman.formats.bundle import Bundle
from dragoman.formats.files import is_file
from dragoman.formats.vocabulary import PlainVocabulary, Vocabulary
from dragoman.text.pieces import WORD_START, segmenter_pieces

__all__ = ["check_segmenter"]

_log = logging.getLogger("dragoman")

_CERTAIN = 0.9
_DOUBTFUL = 0.25
"""Shares of a segmenter's pieces that the vocabulary lacks. Trainings leave out rare ones: some hundredths."""
_SAMPLE = 512
_MARKED = 0.2
_JOINED = 0.05
"""Shares of pieces with SentencePiece's and subword-nmt's marks from which on all of a vocabulary is of that kind."""


def check_segmenter(files: Bundle, source: Vocabulary) -> None:
    """Raises where texts would certainly be cut into pieces that the vocabulary does not know; warns where probably.

    Raises:
        ModelFormatError: the vocabulary is of SentencePiece's pieces, and the model that makes them is missing, or is
            another model's.
        UnsupportedModelError: the pieces are made by subword-nmt, as those of older OPUS-MT models.
    """
    if not isinstance(source, PlainVocabulary):
        return
    if files.source_spm is None:
        _check_words(files, source)
    else:
        _check_pieces(files, source)


def _check_words(files: Bundle, source: PlainVocabulary) -> None:
    """Texts are cut at spaces alone."""
    folder = files.vocabularies[0].parent
    codes = [name for name in ("source.bpe", "target.bpe", "bpe.codes", "codes.bpe") if is_file(folder / name)]
    joined = sum(piece.endswith("@@") for piece in source.ids)
    if codes or joined > _JOINED * len(source.ids):
        raise UnsupportedModelError(
            "vocabs",
            codes[0] if codes else next(piece for piece in source.ids if piece.endswith("@@")),
            path=files.vocabularies[0],
            advice="Its pieces are made by Moses' tokenizer and subword-nmt (BPE), which are not built in: cut the"
            " texts yourself, and give the pieces to `dragoman decoder`.",
        )
    if sum(piece.startswith(WORD_START) for piece in source.ids) > _MARKED * len(source.ids):
        raise ModelFormatError(
            files.vocabularies[0],
            f"its pieces are SentencePiece's ({WORD_START} begins a word), but the model that makes them is missing",
            expected="source.spm and target.spm beside it",
            advice="Fetch them from where the model came from; texts that are cut already go to `dragoman decoder`.",
        )


def _check_pieces(files: Bundle, source: PlainVocabulary) -> None:
    """Texts are cut by OPUS-MT's SentencePiece model."""
    assert files.source_spm is not None
    pieces = segmenter_pieces(files.source_spm, _SAMPLE)
    missing = sum(piece not in source for piece in pieces) / max(len(pieces), 1)
    if missing > _CERTAIN:
        raise ModelFormatError(
            files.source_spm,
            f"it belongs to another model: {files.vocabularies[0].name} lacks {missing:.0%} of its pieces",
            advice="Use the files the model came with.",
        )
    if missing > _DOUBTFUL:
        _log.warning(
            "%s: %s lacks %.0f %% of its pieces: words of these are unknown to the model. Is it another model's?",
            files.source_spm, files.vocabularies[0].name, 100 * missing,
        )  # fmt: skip
