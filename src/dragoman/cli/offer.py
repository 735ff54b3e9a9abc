"""The models between two languages; where there are none, the offer to fetch them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dragoman.errors import ModelNotFoundError

__all__ = ["models_between"]

_BRIDGE = "en"


def models_between(source: str, target: str) -> tuple[Path, ...]:
    """The folders of the models to apply one after the other.

    On a terminal, models that are missing are looked up and fetched after a yes; elsewhere nothing is asked and
    nothing fetched.

    Raises:
        OptionsError: one of the two is no language.
        ModelNotFoundError: there is no way.
        HubError: nothing can be fetched.
    """
    from dragoman.catalogue.known import known_models, pull_advice, route_between
    from dragoman.errors import ModelNotFoundError

    route = route_between(source, target)
    if route is not None:
        return route
    pairs = sorted({"-".join(one.languages) for one in known_models() if one.languages})
    missing = f"there is no such model here, only {', '.join(pairs[:20])}: {pull_advice(source, target)}"
    problem = ModelNotFoundError(f"{source}-{target}", missing)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise problem
    _fetch(source, target, problem)
    route = route_between(source, target)
    if route is None:
        raise problem
    return route


def _fetch(source: str, target: str, problem: ModelNotFoundError) -> None:
    """Ask, and pull. Raises ``problem`` on a no."""
    from dragoman.catalogue.known import route_between
    from dragoman.cli.models import download_bar
    from dragoman.errors import HubError
    from dragoman.hub.hub import find_offer, pull_all
    from dragoman.hub.web import shown
    from dragoman.units import format_bytes

    try:
        offers = [find_offer(f"{source}-{target}")]
    except HubError:
        legs = [leg for leg in ((source, _BRIDGE), (_BRIDGE, target)) if leg[0] != leg[1] and not route_between(*leg)]
        if _BRIDGE in (source, target):
            raise
        offers = [find_offer("-".join(leg)) for leg in legs]
    for offer in offers:
        size = "of unknown size" if offer.size is None else format_bytes(offer.size)
        click.echo(f"{offer.name}, {size}, licence {offer.licence}, from {shown(offer.files[0].url)}", err=True)
    what = "this model" if len(offers) == 1 else "these models"
    if not click.confirm(f"There is no model from {source} to {target} here. Fetch {what}?", err=True):
        raise problem
    with download_bar() as progress:
        pulled = pull_all([offer.name for offer in offers], progress=progress)
    for error in pulled.errors:
        if error is not None:
            raise error
