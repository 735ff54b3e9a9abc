"""The models that a command translates with, from ``--model``, ``--models``, ``--from`` and ``--to``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dragoman.catalogue.catalogue import Catalogue

__all__ = ["choose_models", "detect_source"]


def choose_models(
    model: str | None, folder: str | None, source: str | None, target: str | None
) -> tuple[Path | str, ...]:
    """What to load, to be applied one after the other.

    Raises:
        click.UsageError: too little was said, or too much.
        OptionsError, ModelNotFoundError: there is no way from one language to the other.
    """
    if model is not None:
        if folder is not None or source is not None or target is not None:
            raise click.UsageError("Give --model, or --from and --to, not both.")
        return (model,)
    if source is None or target is None:
        raise click.UsageError("Give --model PATH, or --from and --to.")
    if folder is None:
        from dragoman.cli.offer import models_between

        return models_between(source, target)
    from dragoman.catalogue.routes import find_route

    models = {one.name: one for one in _catalogue(folder).models}
    names = find_route((source, target), {name: one.languages for name, one in models.items()})
    return tuple(models[name].path for name in names)


def detect_source(text: str, folder: str | None, target: str | None) -> str:
    """The language of a text, of those that there are models for.

    Raises:
        click.UsageError: the language wanted was not said.
        click.ClickException: it cannot be told.
        UnavailableError: no library that tells languages is installed.
    """
    if target is None:
        raise click.UsageError("--from auto needs --to.")
    from dragoman.languages import language_distance
    from dragoman.text.detection import detect_language

    pairs = [one.languages for one in _catalogue(folder).models if one.languages]
    sources = sorted({first for first, _ in pairs})
    if len(sources) < 2:
        raise click.ClickException("--from auto: there are no models of several languages to choose from.")
    found = detect_language(text, sources)
    if found.language is None:
        raise click.ClickException("the language of the text cannot be told: say --from.")
    if language_distance(found.language, target) is not None:
        raise click.ClickException(f"the text seems to be in {found.language} already: say --from if it is not.")
    return found.language


def _catalogue(folder: str | None) -> Catalogue:
    if folder is None:
        from dragoman.catalogue.known import known_catalogue

        return known_catalogue()
    from dragoman.catalogue.catalogue import read_directory

    return read_directory(folder)
