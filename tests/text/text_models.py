"""Models that are made up: what they say is told to them."""

from __future__ import annotations

import numpy as np

from dragoman.options import DecodingOptions
from dragoman.result import Hypothesis, SoftAlignment, Span, Translation
from dragoman.text.whole import WHOLE
from dragoman.text.words import split_words

__all__ = ["answer"]


def answer(text: str, said: list[str], options: DecodingOptions) -> Translation:
    """As a model answers that translates word by word, in order."""
    source = [*split_words(text), Span(len(text), len(text))]
    hypotheses = []
    for rank, target in enumerate(said):
        spans = [*split_words(target), Span(len(target), len(target))]
        weights = np.eye(len(spans), len(source), dtype=np.float32)
        weights[-1] = [0.0] * (len(source) - 1) + [1.0]
        soft = SoftAlignment(len(source), ((0, weights),))
        hard = tuple((number, number) for number in range(min(len(spans), len(source))))
        hypotheses.append(
            Hypothesis(
                target,
                tuple(target[start:stop] for start, stop in spans),
                -1.0 - rank,
                -float(len(spans)),
                (-float(len(spans)),),
                tuple([-1.0] * len(spans)) if options.word_scores else None,
                {"soft": soft, None: None}.get(options.alignment, hard),  # type: ignore[arg-type]
                tuple(spans),
            )
        )
    tokens = tuple(text[start:stop] for start, stop in source)
    return Translation(text, tokens, tuple(hypotheses), tuple(source), recipe=WHOLE)
