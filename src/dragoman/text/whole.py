"""A line as the one sentence of its translation: how ``split="none"`` answers, and what passages are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dragoman.result import Hypothesis, Sentence, Span, Translation, Word
from dragoman.text.linking import Place, word_links, words_of
from dragoman.text.quality import Estimator
from dragoman.text.words import split_words

__all__ = ["LOGITS", "WHOLE", "Whole", "copied_sentence", "make_sentence", "quality_of", "strip_span"]


@dataclass(frozen=True, slots=True)
class Whole:
    """One sentence, without the white space around it; none, if there is nothing else.

    Attributes:
        probable: scores are sums of log-probabilities, not of logits.
        estimator: of the model, where it comes with one; else qualities are probabilities.
    """

    probable: bool = True
    estimator: Estimator | None = None

    def sentences(self, translation: Translation, /) -> tuple[Sentence, ...]:
        source_span, target_span = strip_span(translation.source), strip_span(translation.text)
        if source_span.start == source_span.stop:
            return ()
        sentence = make_sentence(
            translation, translation, source_span, target_span, lambda span: span, lambda span: span, self.probable
        )
        return (sentence,)


WHOLE = Whole()
LOGITS = Whole(probable=False)


def make_sentence(
    whole: Translation,
    line: Translation,
    source_span: Span,
    target_span: Span,
    source: Place,
    target: Place,
    probable: bool,
) -> Sentence:
    """The sentence of a whole text that a line was.

    Args:
        whole: where the spans are.
        line: what the model was given, and said.
        source, target: from the line's characters to the whole's.
        probable: as of `Whole`.
    """
    best = line.n_best[0]
    estimator = line.recipe.estimator if probable and isinstance(line.recipe, Whole) else None
    words, quality = words_of(best, target, estimator)
    if quality is None and probable:
        quality = quality_of(best)
    return Sentence(
        source=whole.source[source_span.start : source_span.stop],
        target=whole.text[target_span.start : target_span.stop],
        source_span=source_span,
        target_span=target_span,
        score=best.score if probable else None,
        quality=quality,
        words=words,
        alignment=word_links(line, source, target),
        n_best=line.n_best,
    )


def copied_sentence(whole: Translation, source_span: Span, target_span: Span) -> Sentence:
    """A sentence that no model saw."""
    text, by = whole.text[target_span.start : target_span.stop], target_span.start
    words = tuple(Word(text[start:stop], Span(start + by, stop + by)) for start, stop in split_words(text))
    source = whole.source[source_span.start : source_span.stop]
    return Sentence(source, text, source_span, target_span, None, None, words, None, ())


def quality_of(hypothesis: Hypothesis) -> float:
    """The geometric mean of the tokens' probabilities."""
    return math.exp(min(0.0, hypothesis.path_score / max(1, len(hypothesis.tokens))))


def strip_span(text: str) -> Span:
    """What is left of a text without the white space at its ends."""
    stripped = text.strip()
    start = len(text) - len(text.lstrip()) if stripped else 0
    return Span(start, start + len(stripped))
