"""The small models that come with dragoman: which there are, and how to get from one language to another."""

from __future__ import annotations

from pathlib import Path

from dragoman.errors import ModelNotFoundError, OptionsError
from dragoman.languages import closest_language

__all__ = ["bundled_models", "find_route", "language_pairs"]

_FOLDER = Path(__file__).parents[1] / "demo_models"
_MODELS = {("de", "en"): "deen", ("en", "de"): "ende", ("en", "fr"): "enfr", ("fr", "en"): "fren"}
_BRIDGE = "en"


def bundled_models() -> tuple[tuple[str, tuple[str, str], Path], ...]:
    """Name, languages and folder of each model that this installation has."""
    found = ((name, pair, _FOLDER / name) for pair, name in _MODELS.items())
    return tuple(one for one in found if one[2].is_dir())


def language_pairs() -> tuple[tuple[str, str], ...]:
    """Source and target language of everything that can be translated, directly or through English."""
    sources = {source for source, _ in _MODELS}
    targets = {target for _, target in _MODELS}
    return tuple(sorted((a, b) for a in sources for b in targets if a != b and _names(a, b)))


def find_route(source: str, target: str) -> tuple[Path, ...]:
    """The folders of the models to apply, one after the other.

    Args:
        source, target: languages, spelled in any way ("en", "EN-GB", "German").

    Raises:
        OptionsError: there is no way from one language to the other.
        ModelNotFoundError: this installation lacks the models.
    """
    languages = {language for pair in _MODELS for language in pair}
    names = _names(closest_language(source, languages) or source, closest_language(target, languages) or target)
    if not names:
        pairs = ", ".join("-".join(pair) for pair in language_pairs())
        raise OptionsError("the language pair", f"{source}-{target}", f"one of {pairs}")
    folders = tuple(_FOLDER / name for name in names)
    for folder in folders:
        if not folder.is_dir():
            raise ModelNotFoundError(folder, "this installation lacks the demo model: use --model PATH.")
    return folders


def _names(source: str, target: str) -> tuple[str, ...]:
    if (source, target) in _MODELS:
        return (_MODELS[source, target],)
    legs = (source, _BRIDGE), (_BRIDGE, target)
    if source != target and all(leg in _MODELS for leg in legs):
        return tuple(_MODELS[leg] for leg in legs)
    return ()
