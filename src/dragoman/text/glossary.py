"""Terms and how they are to be translated: a glossary, and where its terms stand in a text."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dragoman.errors import OptionsError, TextFormatError
from dragoman.formats.term_files import read_terms
from dragoman.languages import canonical_code, language_distance
from dragoman.text.codes import Span
from dragoman.text.inflection import forms

__all__ = ["Glossary", "Term", "TermFinder", "TermMatch"]

_MOST_TERMS = 1_000_000
_MOST_BYTES = 1024
"""Of one term, as in DeepL's glossaries."""
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_SINGLE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_SINGLE}]|(?:(?![{_SINGLE}])[\w\u00ad\u200b\u2060])+(?:[-\u2010\u2011]\w+)*|[^\w\s]")
"""A word with its hyphens, a character of a script without spaces, or another character."""
_IGNORED = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""Characters that change nothing: soft hyphens and zero-width spaces."""


@dataclass(frozen=True, slots=True)
class Term:
    """One entry.

    Attributes:
        source, target: the words.
        source_language, target_language: codes; "": any.
        forbidden: ``target`` must not stand for ``source`` (a deprecated term of a TBX file).
    """

    source: str
    target: str
    source_language: str = ""
    target_language: str = ""
    forbidden: bool = False

    @property
    def case_matters(self) -> bool:
        """Whether it is found only as it is written (or all in capitals): if it has a capital itself."""
        return self.source != self.source.lower()

    def serves(self, source: str, target: str) -> bool:
        """Whether it holds between these languages. "" is an unknown language, which any serves."""
        pairs = ((self.source_language, source), (self.target_language, target))
        return all(not own or not wanted or language_distance(own, wanted) is not None for own, wanted in pairs)


class TermMatch(NamedTuple):
    """A term in a text. ``target`` is in capitals where the text is and the entry is not."""

    span: Span
    term: Term
    target: str


@dataclass(frozen=True)
class Glossary:
    """Terms for one or more pairs of languages. Immutable; any number of threads may use one.

    Attributes:
        terms: in their order; of several for one source and pair the first holds.
    """

    terms: tuple[Term, ...]
    _finders: dict[tuple[str, str], TermFinder] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @classmethod
    def load(cls, path: Path | str, *, source: str | None = None, target: str | None = None) -> Glossary:
        """Read a file: TBX by its content, CSV by its suffix, else TSV.

        Args:
            path: the file.
            source, target: languages of rows that name none; None: such rows hold for any.

        Raises:
            TextFormatError: it cannot be read, a term is empty, too long or holds control characters, one source has
                two targets, a language is none, or there are no terms.
            OptionsError: ``source`` or ``target`` is no language.
        """
        file = Path(path)
        given = _code("source", source), _code("target", target)
        terms: list[Term] = []
        lines: dict[tuple[str, str, str], tuple[str, int]] = {}
        for row in read_terms(file):
            try:
                pair = _stated(row.languages[0], given[0]), _stated(row.languages[1], given[1])
                term = _checked(Term(row.source, row.target, *pair, row.forbidden))
            except (OptionsError, ValueError) as error:
                raise TextFormatError(file, str(error), line=row.line) from None
            if not term.forbidden:
                before = lines.setdefault((term.source, *pair), (term.target, row.line))
                if before[1] != row.line and before[0] != term.target:
                    problem = f"{term.source!r} is translated in another way in line {before[1]}: remove one of them."
                    raise TextFormatError(file, problem, line=row.line)
            terms.append(term)
            if len(terms) > _MOST_TERMS:
                raise TextFormatError(file, f"more than {_MOST_TERMS} terms.", line=row.line)
        if not terms:
            raise TextFormatError(file, "there are no terms in it.")
        return cls(tuple(dict.fromkeys(terms)))

    @classmethod
    def from_pairs(
        cls, pairs: Iterable[tuple[str, str]], *, source: str | None = None, target: str | None = None
    ) -> Glossary:
        """A glossary of pairs of source and target; a dict's ``items()``, for example.

        Raises OptionsError for what is no pair, an empty term, one that is too long or holds control characters, and
        two targets of one source.
        """
        languages = _code("source", source), _code("target", target)
        found: dict[str, Term] = {}
        if isinstance(pairs, str | Mapping) or not isinstance(pairs, Iterable):
            raise OptionsError("pairs", pairs, "pairs of texts, such as a dict's items()")
        for number, pair in enumerate(pairs):
            name = f"glossary[{number}]"
            if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(one, str) for one in pair):
                raise OptionsError(name, pair, "a pair of texts")
            try:
                term = _checked(Term(pair[0].strip(), pair[1].strip(), *languages))
            except ValueError as error:
                raise OptionsError(name, pair, f"a pair of terms; {error}") from None
            if found.setdefault(term.source, term) != term:
                raise OptionsError(name, pair, "the only translation of its source")
        return cls(tuple(found.values()))

    def __len__(self) -> int:
        return len(self.terms)

    def finder(self, source: str = "", target: str = "") -> TermFinder:
        """What finds the terms that hold between two languages; "" for one that is not known."""
        with self._lock:
            found = self._finders.get((source, target))
            if found is None:
                if len(self._finders) >= 64:
                    self._finders.clear()
                found = TermFinder((one for one in self.terms if one.serves(source, target)), source)
                self._finders[source, target] = found
            return found

    @property
    def fingerprint(self) -> str:
        """Hexadecimal; equal for equal terms."""
        digest = hashlib.sha256()
        for term in self.terms:
            fields = (term.source, term.target, term.source_language, term.target_language, str(term.forbidden))
            digest.update("\0".join(fields).encode("utf-8", "surrogatepass") + b"\n")
        return digest.hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return Glossary, (self.terms,)


@dataclass(slots=True)
class _Node:
    """Terms by their words: one more word a level."""

    below: dict[str, _Node] = field(default_factory=dict)
    terms: list[Term] = field(default_factory=list)


class TermFinder:
    """Finds terms in texts: whole words, the longest first, from left to right, without overlap.

    In scripts without spaces each character is a word. Case matters as `Term.case_matters` says; simple inflections
    (`dragoman.text.inflection`) are let pass; soft hyphens are ignored, and any white space is a space.
    """

    def __init__(self, terms: Iterable[Term], language: str = "") -> None:
        self._root = _Node()
        self._language = language
        self.forbidden: dict[str, tuple[str, ...]] = {}
        """By source: targets that must not stand for it."""
        for term in terms:
            if term.forbidden:
                self.forbidden[term.source] = (*self.forbidden.get(term.source, ()), term.target)
                continue
            node = self._root
            for word in _words(term.source):
                node = node.below.setdefault(word, _Node())
            node.terms.append(term)
            node.terms.sort(key=lambda one: not one.case_matters)  # the stricter first

    def find(self, text: str, taken: Sequence[Span] = ()) -> tuple[TermMatch, ...]:
        """The terms of a text.

        Args:
            text: any.
            taken: spans in which no term is looked for, ascending: what is protected.
        """
        if not self._root.below:
            return ()
        words = list(_WORD.finditer(text))
        keys = [_key(word[0]) for word in words]
        found: list[TermMatch] = []
        place = turn = 0
        while place < len(words):
            match = None
            if self._begins(keys[place]):
                start = words[place].start()
                while turn < len(taken) and taken[turn].stop <= start:
                    turn += 1
                match = self._longest(text, words, keys, place, taken[turn].start if turn < len(taken) else len(text))
            place += 1
            if match is not None:
                found.append(match)
                while place < len(words) and words[place].start() < match.span.stop:
                    place += 1
        return tuple(found)

    def _begins(self, key: str) -> bool:
        below = self._root.below
        return key in below or any(form in below for form in forms(key, self._language))

    def _longest(
        self, text: str, words: Sequence[re.Match[str]], keys: Sequence[str], place: int, end: int
    ) -> TermMatch | None:
        best: TermMatch | None = None
        nodes = [self._root]
        start = words[place].start()
        for number in range(place, len(words)):
            stop = words[number].end()
            if stop > end:
                break
            # As it is written goes before inflected forms.
            known = forms(keys[number], self._language)
            nodes = [node.below[form] for node in nodes for form in known if form in node.below]
            if not nodes:
                break
            own = text[start:stop]
            term = next((one for node in nodes for one in node.terms if _fits(one, own)), None)
            if term is not None:
                best = TermMatch(Span(start, stop), term, _in_case(term, own))
        return best


def _fits(term: Term, found: str) -> bool:
    """Whether the capitals are where the term has them, endings aside."""
    if not term.case_matters or _is_shouted(found):
        return True
    pairs = zip(_words(term.source, fold=False), _words(found, fold=False), strict=False)
    return all(
        one == other for pair in pairs for one, other in zip(*pair, strict=False) if one.lower() == other.lower()
    )


def _is_shouted(text: str) -> bool:
    return len(text) > 3 and text.isupper()


def _in_case(term: Term, found: str) -> str:
    return term.target.upper() if _is_shouted(found) and not term.source.isupper() else term.target


def _words(text: str, *, fold: bool = True) -> Iterator[str]:
    for word in _WORD.findall(text):
        yield _key(word) if fold else word.translate(_IGNORED)


def _key(word: str) -> str:
    return word.casefold() if word.isalnum() else word.translate(_IGNORED).casefold()


def _stated(language: str, otherwise: str) -> str:
    return canonical_code(language) if language else otherwise


def _code(name: str, language: str | None) -> str:
    try:
        return canonical_code(language) if language else ""
    except OptionsError as error:
        raise OptionsError(name, language, error.allowed) from None


def _checked(term: Term) -> Term:
    """The term. Raises ValueError, saying what is wrong with it."""
    for side, text in (("source", term.source), ("target", term.target)):
        if not text:
            raise ValueError(f"the {side} is empty.")
        if len(text.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
            raise ValueError(f"the {side} has more than {_MOST_BYTES} bytes.")
        if _CONTROLS.search(text):
            raise ValueError(f"the {side} holds a control character or a line break.")
    if not any(map(str.strip, _words(term.source))):
        raise ValueError("the source has no words.")
    return term
