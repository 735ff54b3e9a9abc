"""Which of many offers was meant: a name, a pair of languages in any spelling, a text to search for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from dragoman.catalogue.store import SOURCES, pair_distance
from dragoman.errors import HubError, OptionsError
from dragoman.hub.offers import Offer
from dragoman.languages import language_distance, language_name

__all__ = ["best_offer", "matching", "unknown"]

_STATUS = ("release", "android", "nightly", "development")
_ARCHITECTURES = ("base", "base-memory", "tiny")


def best_offer(wanted: str, offers: Sequence[Offer], architecture: str | None = None) -> Offer | None:
    """The offer of this name, or the best of this pair; None: there is none.

    Of several of a pair: the nearest languages, then an earlier source, then what is released to everyone, then the
    larger architecture.
    """
    fitting = [one for one in offers if architecture is None or one.architecture == architecture]
    for one in fitting:
        if one.name == wanted:
            return one
    ranked = []
    for place, one in enumerate(fitting):
        distance = pair_distance(wanted, one.languages) if one.languages else None
        if distance is not None:
            ranked.append(((distance, SOURCES.index(one.source), *_preference(one), place), one))
    return min(ranked, key=lambda entry: entry[0])[1] if ranked else None


def _preference(offer: Offer) -> tuple[int, int]:
    kinds = _ARCHITECTURES
    architecture = kinds.index(offer.architecture) if offer.architecture in kinds else len(kinds)
    return _STATUS.index(offer.status), architecture


def matching(offers: Iterable[Offer], text: str, source: str | None, target: str | None) -> list[Offer]:
    """Offers whose name or languages contain a text, between these languages; sorted by languages."""
    wanted = text.casefold().strip()
    found = [one for one in offers if _side(one, 0, source) and _side(one, 1, target) and _says(one, wanted)]
    return sorted(found, key=_place)


def _place(offer: Offer) -> tuple[object, ...]:
    return (offer.languages or ("~", "~"), SOURCES.index(offer.source), *_preference(offer), offer.name)


def _side(offer: Offer, side: int, wanted: str | None) -> bool:
    if wanted is None:
        return True
    return offer.languages is not None and language_distance(wanted, offer.languages[side]) is not None


def _says(offer: Offer, wanted: str) -> bool:
    if not wanted or wanted in offer.name.casefold():
        return True
    if offer.languages is None:
        return False
    return pair_distance(wanted, offer.languages) is not None or any(
        wanted in _name(code).casefold() for code in offer.languages
    )


def _name(code: str) -> str:
    try:
        return language_name(code)
    except OptionsError:
        return code


def unknown(wanted: str, names: Iterable[str], where: str) -> HubError:
    """The error for a model that is not there, with the nearest names that are."""
    known = sorted(set(names))
    near = difflib.get_close_matches(wanted.replace("_", "-"), known, n=5, cutoff=0.5)
    if not near:
        near = [name for name in known if name.startswith(wanted[:2]) or name.endswith(wanted[-2:])][:5]
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return HubError(f"no model {wanted!r} {where}.{hint}")
