"""A line whose terms are settled, as the translation that the rest goes on with."""

from __future__ import annotations

from dataclasses import replace

from dragoman.result import SoftAlignment, Translation
from dragoman.text.terms import Settled

__all__ = ["settled_line"]


def settled_line(source: str, settled: Settled, answer: Translation) -> Translation:
    """The translation with its terms; those that found no place are told.

    Args:
        source: the line.
        settled: what became of it.
        answer: the translation that this was made of. If words were written over, its tokens are those of the links,
            and each has the mean of its log-probabilities.
    """
    missing = ((match.target, match.term.source) for match in settled.missing)
    told = tuple(f"No place was found for {target}, the term for {term}" for target, term in missing)
    warnings = (*answer.warnings, *told)
    best, links, text = answer.n_best[0], settled.answer.links, settled.answer.text
    if text == answer.text and source == answer.source:
        return replace(answer, warnings=warnings)
    if links is None:
        return replace(answer, source=source, n_best=(replace(best, text=text, alignment=None),), warnings=warnings)
    import numpy as np

    weights = np.array(links.weights, np.float32).reshape(len(links.target), len(links.source))
    weights.flags.writeable = False
    tokens = tuple(text[start:stop] for start, stop in links.target)
    mean = best.path_score / max(1, len(best.tokens))
    hypothesis = replace(
        best,
        text=text,
        tokens=tokens,
        word_scores=None if best.word_scores is None else (mean,) * len(tokens),
        alignment=SoftAlignment(len(links.source), ((0, weights),)),
        spans=links.target,
    )
    return replace(
        answer,
        source=source,
        source_tokens=tuple(source[start:stop] for start, stop in links.source),
        n_best=(hypothesis,),
        source_spans=links.source,
        warnings=warnings,
    )
