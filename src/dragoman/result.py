"""What a translation returns: frozen records of plain values, equal if all their values are equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dragoman.errors import DragomanError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "FailedLine",
    "Hypothesis",
    "Link",
    "Sentence",
    "SentenceRecipe",
    "SoftAlignment",
    "Span",
    "Translation",
    "Word",
]

Link = tuple[int, int]
"""Hard alignment: numbers of a source token and of a target token."""


class Span(NamedTuple):
    """Code points ``start`` to ``stop`` of a text, half-open."""

    start: int
    stop: int


@dataclass(frozen=True, eq=False, slots=True)
class SoftAlignment:
    """A row for each target token, in it a weight for each source token; rows sum to 1.

    A line that was cut has one block for each segment, and zeros elsewhere that are not stored: the matrix of
    a line of 100 000 words would be 80 GB.

    Attributes:
        columns: source tokens.
        blocks: first column and float32 [target tokens, source tokens of the segment], in order.
    """

    columns: int
    blocks: tuple[tuple[int, NDArray[np.float32]], ...]

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self.blocks)

    def __iter__(self) -> Iterator[tuple[float, ...]]:
        """The rows, zeros included."""
        for first, rows in self.blocks:
            before, after = (0.0,) * first, (0.0,) * (self.columns - first - rows.shape[1])
            for row in rows.tolist():
                yield (*before, *row, *after)

    def array(self) -> NDArray[np.float32]:
        """float32 [target tokens, source tokens], a copy."""
        import numpy as np

        matrix = np.zeros((len(self), self.columns), np.float32)
        row = 0
        for first, rows in self.blocks:
            matrix[row : row + len(rows), first : first + rows.shape[1]] = rows
            row += len(rows)
        return matrix

    def _key(self) -> tuple[object, ...]:
        return self.columns, tuple((first, rows.shape, rows.tobytes()) for first, rows in self.blocks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SoftAlignment) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One way to translate a text.

    Tokens, word scores and alignments go in the order in which the model writes, which is backwards for
    right-to-left models; the text never is.

    Attributes:
        text: for people to read.
        tokens: target pieces, with the end symbol ``</s>`` that the model chose itself.
        score: (path score - word_penalty * tokens) / tokens ** normalize: what hypotheses are ordered by.
            With ``skip_cost`` it orders them by their logits, and means nothing else: `Translation.score` is None.
        path_score: sum of log-probabilities over the tokens (of logits with ``skip_cost``).
        model_scores: the path score by each model of an ensemble, unweighted; for one model (path_score,).
        word_scores: what each token added to the path score, or None where not asked for.
        alignment: weights ("soft"), links sorted by source and target ("hard" or a threshold), or None.
        spans: of each token the characters of ``text`` that it is, without white space around them; an empty one for
            the end symbol. None unless alignments or word scores were asked for.
    """

    text: str
    tokens: tuple[str, ...]
    score: float
    path_score: float
    model_scores: tuple[float, ...] = ()
    word_scores: tuple[float, ...] | None = None
    alignment: SoftAlignment | tuple[Link, ...] | None = field(default=None, repr=False)
    spans: tuple[Span, ...] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a translation, or a mark between words.

    Attributes:
        text: of the word.
        span: in `Translation.text`.
        quality: how likely it is right, 0 to 1; None where word scores were not asked for.
        log_probability: mean over its pieces; None likewise.
    """

    text: str
    span: Span
    quality: float | None = None
    log_probability: float | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a text and its translation. Neither begins or ends with white space.

    Attributes:
        source: what stands in `Translation.source` at ``source_span``, marks included.
        target: what stands in `Translation.text` at ``target_span``.
        score: of the best hypothesis; None for what was copied.
        quality: how likely it is right, 0 to 1; None where that cannot be had.
        words: of the target, in order.
        alignment: spans of a source word and of a target word that translates it, sorted; None unless asked for.
        n_best: hypotheses for what the model read, best first; none for what was copied.
    """

    source: str
    target: str
    source_span: Span
    target_span: Span
    score: float | None
    quality: float | None
    words: tuple[Word, ...] = field(repr=False)
    alignment: tuple[tuple[Span, Span], ...] | None = field(repr=False)
    n_best: tuple[Hypothesis, ...] = field(repr=False)


class SentenceRecipe(Protocol):
    """How the sentences of a translation are found, once somebody asks. Immutable, and can be pickled."""

    @property
    def probable(self) -> bool:
        """Whether scores are log-probabilities."""
        ...

    def sentences(self, translation: Translation, /) -> tuple[Sentence, ...]: ...


@dataclass(frozen=True)
class Translation:
    """A translated text. ``str(translation)`` is the text.

    Attributes:
        source: the text as given, save that halves of surrogate pairs are replaced.
        source_tokens: pieces of what models read of it, with their end symbols: the columns of alignments.
        n_best: hypotheses for the whole text, best first; as many as were asked for and found, at least one.
        source_spans: of each source token its characters in ``source``; None unless alignments or word scores were
            asked for, and where marks stand between them.
        warnings: what a person should know, such as marks that lost their place.
    """

    source: str
    source_tokens: tuple[str, ...] = field(repr=False)
    n_best: tuple[Hypothesis, ...]
    source_spans: tuple[Span, ...] | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    recipe: SentenceRecipe | None = field(default=None, repr=False, compare=False)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences in their order; between them stands white space."""
        return () if self.recipe is None else self.recipe.sentences(self)

    @property
    def text(self) -> str:
        """The best translation."""
        return self.n_best[0].text

    @property
    def score(self) -> float | None:
        """Of the best hypothesis: log-probability, penalised and normalised, as Marian prints it. None where
        probabilities were not computed (``skip_cost``)."""
        return self.n_best[0].score if self.recipe is None or self.recipe.probable else None

    @property
    def tokens(self) -> tuple[str, ...]:
        """Target pieces of the best hypothesis."""
        return self.n_best[0].tokens

    @property
    def word_scores(self) -> tuple[float, ...] | None:
        """Of the best hypothesis."""
        return self.n_best[0].word_scores

    @property
    def alignment(self) -> SoftAlignment | tuple[Link, ...] | None:
        """Of the best hypothesis."""
        return self.n_best[0].alignment

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class FailedLine:
    """A line of a stream that could not be translated; the others were."""

    source: str
    error: DragomanError
