"""The models at hand without a path: those that were pulled, then those that come along."""

from __future__ import annotations

from pathlib import Path

from dragoman.catalogue.bundled import bundled_models
from dragoman.catalogue.catalogue import Catalogue, CatalogueModel
from dragoman.catalogue.routes import find_route
from dragoman.catalogue.store import find_stored, models_folder, pair_distance, stored_models
from dragoman.errors import OptionsError
from dragoman.languages import parse_language

__all__ = ["find_known", "known_catalogue", "known_models", "pull_advice", "route_between"]


def known_models() -> tuple[CatalogueModel, ...]:
    """All of them, by different names; the one to take of a pair comes first. Those that come along are left out where
    a pulled one has the same languages."""
    pulled = [CatalogueModel(one.name, one.folder, languages=one.languages) for one in stored_models()]
    names = {one.name for one in pulled}
    pairs = {one.languages for one in pulled}
    rest = [
        CatalogueModel(name, folder, languages=pair)
        for name, pair, folder in bundled_models()
        if pair not in pairs and name not in names
    ]
    return (*pulled, *rest)


def known_catalogue() -> Catalogue:
    """What a fleet without a folder has."""
    return Catalogue(known_models())


def find_known(wanted: str) -> Path | None:
    """The folder of the model of a name or a pair such as "en-cs"; None: there is none."""
    stored = find_stored(wanted, stored_models())
    if stored is not None:
        return stored.folder
    for name, _, folder in bundled_models():
        if name == wanted:
            return folder
    ranked = [
        (distance, str(folder))
        for _, pair, folder in bundled_models()
        if (distance := pair_distance(wanted, pair)) is not None
    ]
    return Path(min(ranked)[1]) if ranked else None


def route_between(source: str, target: str) -> tuple[Path, ...] | None:
    """The folders of the models to apply one after the other, as few as can be; None: there is no way.

    Raises OptionsError where one of the two is no language.
    """
    for language in (source, target):
        parse_language(language)
    models = {one.name: one for one in known_models()}
    try:
        # By two languages that are no names of models.
        names = find_route((source, target), {name: one.languages for name, one in models.items()})
    except OptionsError:
        return None
    return tuple(Path(models[name].path) for name in names)


def pull_advice(source: str, target: str) -> str:
    """What to do where there is no way."""
    return f"`dragoman models pull {source}-{target}` fetches one; models are kept in {models_folder()}."
