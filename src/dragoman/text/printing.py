"""Translations as marian-decoder prints them, byte for byte (marian-semantics 5.1)."""

from __future__ import annotations

from collections.abc import Iterable

from dragoman.result import Hypothesis, SoftAlignment, Translation

__all__ = ["format_alignment", "format_best", "format_n_best", "format_number"]

_SEPARATOR = " ||| "


def format_number(number: float) -> str:
    """Six significant digits, as C++ streams print floats unless told otherwise."""
    return f"{number:g}"


def format_alignment(alignment: object) -> str:
    """``0.9,0.1 0.2,0.8`` (a target token each) for weights, ``0-0 1-2`` (source-target) for links."""
    if isinstance(alignment, SoftAlignment):
        return " ".join(",".join(map(format_number, row)) for row in alignment)
    links: Iterable[tuple[int, int]] = alignment  # type: ignore[assignment]
    return " ".join(f"{source}-{target}" for source, target in links)


def format_best(translation: Translation, *, pieces: bool = False, right_to_left: bool = False) -> str:
    """The line of the best hypothesis, without a newline: ``text[ ||| alignment][ ||| WordScores= ...]``.

    Args:
        translation: what to print.
        pieces: print target pieces instead of text, as with ``--no-spm-decode``.
        right_to_left: the model writes backwards, so pieces are turned round.
    """
    return _with_details(translation.n_best[0], pieces, right_to_left)


def format_n_best(
    number: int,
    translation: Translation,
    *,
    beam_size: int,
    pieces: bool = False,
    right_to_left: bool = False,
) -> str:
    """The lines of all hypotheses, without the last newline; ``number`` counts input lines from 0.

    A line without pieces has one hypothesis, which Marian prints ``beam_size`` times. (The F0 that it prints
    there is the score that the model gave to the end symbol, although it chose nothing; here 0 stands.)
    """
    hypotheses = translation.n_best
    if len(translation.source_tokens) == 1:
        hypotheses = hypotheses[:1] * beam_size
    lines = []
    for hypothesis in hypotheses:
        scores = " ".join(
            f"F{model}= {format_number(score)}" for model, score in enumerate(hypothesis.model_scores)
        )
        fields = (str(number), _with_details(hypothesis, pieces, right_to_left), scores)
        lines.append(_SEPARATOR.join((*fields, format_number(hypothesis.score))))
    return "\n".join(lines)


def _with_details(hypothesis: Hypothesis, pieces: bool, right_to_left: bool) -> str:
    fields = [_pieces(hypothesis, right_to_left) if pieces else _one_line(hypothesis.text)]
    if hypothesis.alignment is not None:
        fields.append(format_alignment(hypothesis.alignment))
    if hypothesis.word_scores is not None:
        fields.append("WordScores= " + " ".join(f"{score:.5f}" for score in hypothesis.word_scores))
    return _SEPARATOR.join(fields)


def _pieces(hypothesis: Hypothesis, right_to_left: bool) -> str:
    tokens = [token for token in hypothesis.tokens if token != "</s>"]
    return _one_line(" ".join(reversed(tokens) if right_to_left else tokens))


def _one_line(text: str) -> str:
    """Byte pieces can spell a newline, which would shift all later lines."""
    return text.replace("\r", " ").replace("\n", " ") if "\n" in text or "\r" in text else text
