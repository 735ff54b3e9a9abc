"""From tokens to words: qualities, and which word translates which."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from dragoman.result import SoftAlignment, Span, Translation, Word
from dragoman.text.codes import AlignedPart, TokenLinks
from dragoman.text.quality import PROBABILITIES, Estimator
from dragoman.text.words import split_words

if TYPE_CHECKING:
    from dragoman.result import Hypothesis

__all__ = ["Place", "linked_parts", "token_links", "word_links", "words_of"]

Place = Callable[[Span], Span]
"""From the characters of a line, or of its translation, to those of the whole text."""

_MOST_CELLS = 1 << 20
"""Of an alignment that is spread out, zeros and all."""
_SHARE = 0.25
"""Of a target word's weights: a source word with less is not linked, unless it has the most."""


def words_of(
    hypothesis: Hypothesis, place: Place, estimator: Estimator | None = None
) -> tuple[tuple[Word, ...], float | None]:
    """The words of a translation, and its quality as the estimator says.

    Qualities are there where word scores were asked for: without an estimator they are probabilities, and there is none
    of the whole.
    """
    text = hypothesis.text
    spans = split_words(text)
    if hypothesis.word_scores is None or hypothesis.spans is None:
        return tuple([Word(text[start:stop], place(Span(start, stop))) for start, stop in spans]), None
    scores: list[list[float]] = [[] for _ in spans]
    for number, score in zip(_word_of(hypothesis.spans, spans), hypothesis.word_scores, strict=True):
        if number is not None:
            scores[number].append(score)
    found = (estimator or PROBABILITIES).estimate(scores)
    words = []
    for span, own, quality in zip(spans, scores, found.words, strict=True):
        mean = sum(own) / len(own) if own else None
        words.append(Word(text[span.start : span.stop], place(span), quality, mean))
    return tuple(words), None if estimator is None else found.sentence


def word_links(line: Translation, source: Place, target: Place) -> tuple[tuple[Span, Span], ...] | None:
    """Spans of source and target words that translate each other; None if no alignment was asked for."""
    hypothesis = line.n_best[0]
    if hypothesis.alignment is None or hypothesis.spans is None or line.source_spans is None:
        return None
    source_words, target_words = split_words(line.source), split_words(hypothesis.text)
    columns, rows = _word_of(line.source_spans, source_words), _word_of(hypothesis.spans, target_words)
    if isinstance(hypothesis.alignment, SoftAlignment):
        pairs = _heaviest(hypothesis.alignment, columns, rows)
    else:
        pairs = {(columns[column], rows[row]) for column, row in hypothesis.alignment}
    known = sorted((left, right) for left, right in pairs if left is not None and right is not None)
    return tuple((source(source_words[left]), target(target_words[right])) for left, right in known)


def token_links(line: Translation) -> TokenLinks | None:
    """The soft alignment of a line; None if there is none, or for a line so long that it would fill the memory."""
    hypothesis = line.n_best[0]
    soft = hypothesis.alignment
    if line.source_spans is None or hypothesis.spans is None or not isinstance(soft, SoftAlignment):
        return None
    if len(soft) * soft.columns > _MOST_CELLS:
        return None
    return TokenLinks(line.source_spans, hypothesis.spans, tuple(soft))


def linked_parts(line: Translation, source: Span, target: Span, led: int = 0) -> Iterator[AlignedPart]:
    """A translated line as part of a block: one part, or one for each segment that it was cut into.

    Args:
        source, target: where the line and its translation stand.
        led: characters at the beginning of the translation that are left out.
    """
    links = line.n_best[0].alignment
    if not isinstance(links, SoftAlignment) or line.source_spans is None or line.n_best[0].spans is None:
        yield AlignedPart(source, target)
        return
    row, parts = 0, []
    for first, weights in links.blocks:
        columns = line.source_spans[first : first + weights.shape[1]]
        rows = line.n_best[0].spans[row : row + len(weights)]
        parts.append((_within(columns, source, 0), _within(rows, target, led), weights))
        row += len(weights)
    begin, start = source.start, target.start
    for number, (ours, theirs, weights) in enumerate(parts):
        is_last = number + 1 == len(parts)
        end = source.stop if is_last else max(begin, _beginning(parts[number + 1][0], source.stop))
        stop = target.stop if is_last else max(start, _beginning(parts[number + 1][1], target.stop))
        own = TokenLinks(_from(ours, begin), _from(theirs, start), tuple(map(tuple, weights.tolist())))
        yield AlignedPart(Span(begin, end), Span(start, stop), own)
        begin, start = end, stop


def _within(spans: Sequence[Span], whole: Span, led: int) -> list[Span]:
    most = whole.stop - whole.start
    return [Span(*(min(max(0, edge - led), most) + whole.start for edge in span)) for span in spans]


def _beginning(spans: Sequence[Span], otherwise: int) -> int:
    return min((start for start, stop in spans if start < stop), default=otherwise)


def _from(spans: Sequence[Span], begin: int) -> tuple[Span, ...]:
    return tuple(Span(max(0, start - begin), max(0, stop - begin)) for start, stop in spans)


def _word_of(tokens: Sequence[Span], words: Sequence[Span]) -> list[int | None]:
    """Of each token the number of the word it begins in; None for what is in no word, as the end symbol."""
    starts = [word.start for word in words]
    found: list[int | None] = []
    for start, stop in tokens:
        number = bisect_right(starts, start) - 1
        inside = start < stop and number >= 0 and start < words[number].stop
        found.append(number if inside else None)
    return found


def _heaviest(
    alignment: SoftAlignment, columns: Sequence[int | None], rows: Sequence[int | None]
) -> set[tuple[int | None, int | None]]:
    """Of each target word the source words with the most of its weight."""
    masses: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    place = 0
    for first, block in alignment.blocks:  # a line of many segments has as many small matrices
        own = columns[first : first + block.shape[1]]
        for row, weights in zip(rows[place : place + len(block)], block.tolist(), strict=True):
            if row is None:
                continue
            for column, weight in zip(own, weights, strict=True):
                if column is not None:
                    masses[row][column] += weight
        place += len(block)
    pairs: set[tuple[int | None, int | None]] = set()
    for row, mass in masses.items():
        total, most = sum(mass.values()), max(mass.values())
        pairs |= {(column, row) for column, own in mass.items() if own > 0 and (own == most or own >= _SHARE * total)}
    return pairs
