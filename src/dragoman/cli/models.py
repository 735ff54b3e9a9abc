"""``dragoman models``: search catalogues, pull models, list, check, renew and remove them."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dragoman.cli.completion import complete_model

if TYPE_CHECKING:
    from dragoman.hub.hub import Access
    from dragoman.hub.pulling import Progress

__all__ = ["command", "download_bar"]

_Decorator = Callable[[Callable[..., None]], Callable[..., None]]

_jobs = click.option(
    "--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Files at the same time."
)


def _network(function: Callable[..., None]) -> Callable[..., None]:
    """The options of everything that uses the network."""
    options: list[_Decorator] = [
        click.option("--source", metavar="NAME|URL|DIR", help="firefox, bergamot, opus-mt, huggingface, or a mirror."),
        click.option("--offline", is_flag=True, help="Use no network: only what is known and here already."),
        click.option("--insecure", is_flag=True, help="Allow plain http to other machines."),
        _jobs,
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _access(source: str | None, offline: bool, insecure: bool, jobs: int) -> Access:
    from dragoman.hub.hub import Access

    return Access(source=source, offline=offline, insecure=insecure, jobs=jobs)


@click.group("models")
def command() -> None:
    """Models by their languages: find them, fetch them, keep them right.

    They are kept in DRAGOMAN_MODELS, else in the user's data folder. --source, or DRAGOMAN_SOURCE, names a mirror: a
    catalogue, an archive, a folder, or the page of a model; else Firefox, Bergamot and OPUS-MT are asked in this order.
    """


@command.command("search")
@click.argument("text", default="")
@click.option("--from", "source_language", metavar="L", help="Language to translate from.")
@click.option("--to", "target_language", metavar="L", help="Language to translate to.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_network
def search(text: str, source_language: str | None, target_language: str | None, as_json: bool, **network: Any) -> None:
    """List what can be had: all of it, or what has TEXT in its name or languages."""
    from dragoman import hub

    network.pop("jobs")
    offers = hub.search(text, source_language=source_language, target_language=target_language, **network)
    if as_json:
        rows = [{**asdict(offer), "pair": offer.pair, "size": offer.size} for offer in offers]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    _print_table(
        ("name", "pair", "architecture", "version", "size", "licence", "status"),
        [
            (one.name, one.pair, one.architecture, one.version, _size(one.size), one.licence, one.status)
            for one in offers
        ],
    )
    if not offers:
        click.echo("dragoman: nothing found", err=True)


@command.command("pull")
@click.argument("models", nargs=-1, metavar="[PAIR|NAME]...")
@click.option("--all", "everything", is_flag=True, help="Everything that the source lists.")
@click.option("--architecture", metavar="tiny|base|base-memory", help="Which of several of a pair.  [the best]")
@click.option("--lock", type=click.Path(path_type=Path), metavar="FILE", help="What a lock file pins, to the byte.")
@_network
def pull(
    models: tuple[str, ...], everything: bool, architecture: str | None, lock: Path | None, **network: Any
) -> None:
    """Fetch models: PAIR such as en-cs, or names from `search`.

    What is here already in the same version is not fetched again. When something breaks off, the same command goes on
    from there. Exit code 1 if a model could not be had.
    """
    from dragoman import hub

    access = _access(**network)
    if everything and models:
        raise click.UsageError("Give models, or --all.")
    wanted: list[str] | None = list(models)
    if everything or (lock is not None and not models):
        wanted = None
    elif not models:
        wanted = _only_one(access)
    with download_bar() as progress:
        pulled = hub.pull_all(wanted, architecture=architecture, lock=lock, progress=progress, access=access)
    for model, fetched in zip(pulled.models, pulled.fetched, strict=True):
        if model is not None:
            state = "" if fetched else ", was here already"
            click.echo(f"{model.name}: {model.folder}  (version {model.version}, licence {model.licence}{state})")
    errors = [error for error in pulled.errors if error is not None]
    for error in errors:
        click.echo(f"dragoman: {error}", err=True)
    if not pulled.models:
        click.echo("dragoman: the source lists no such models", err=True)
    if errors or not pulled.models:
        raise click.exceptions.Exit(1)


def _only_one(access: Access) -> list[str]:
    """The model of a source that has one."""
    from dragoman import hub

    if access.source is None:
        raise click.UsageError("Say which: a pair such as en-cs, a name, or --all.")
    offers = hub.search(source=access.source, offline=access.offline, insecure=access.insecure)
    if len(offers) != 1:
        raise click.UsageError(f"The source has {len(offers)} models: say which, or --all.")
    return [offers[0].name]


@command.command("ls")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def ls(as_json: bool) -> None:
    """List the models that are here, one a line."""
    from dragoman import hub

    models = hub.stored_models()
    if as_json:
        more = [{"pair": model.pair, "size": model.size, "path": str(model.folder)} for model in models]
        rows = [model.facts() | extra for model, extra in zip(models, more, strict=True)]
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    _print_table(
        ("name", "from", "to", "architecture", "version", "size", "licence"),
        [
            (one.name, *(one.languages or ("?", "?")), one.architecture, one.version, _size(one.size), one.licence)
            for one in models
        ],
    )


@command.command("rm")
@click.argument("models", nargs=-1, required=True, metavar="PAIR|NAME...", shell_complete=complete_model)
def rm(models: tuple[str, ...]) -> None:
    """Remove models. Programs that have them loaded go on working."""
    from dragoman import hub

    for name in models:
        removed = hub.remove(name)
        click.echo(f"{removed.name}: removed, {_size(removed.size)}")


@command.command("verify")
@click.argument("models", nargs=-1, metavar="[PAIR|NAME]...", shell_complete=complete_model)
def verify(models: tuple[str, ...]) -> None:
    """Check every byte of the models here, or of these. Exit code 1, and the file's name, if one has changed."""
    from dragoman import hub

    found: dict[str, list[str]] = {}
    for name in models or (None,):
        found |= hub.verify(name)
    problems = [problem for listed in found.values() for problem in listed]
    for problem in problems:
        click.echo(f"dragoman: {problem}", err=True)
    damaged = sum(bool(listed) for listed in found.values())
    click.echo(f"{len(found)} checked, {damaged} damaged")
    if problems:
        raise click.exceptions.Exit(1)


@command.command("update")
@click.argument("models", nargs=-1, metavar="[PAIR|NAME]...", shell_complete=complete_model)
@click.option("--offline", is_flag=True, hidden=True)
@click.option("--insecure", is_flag=True, help="Allow plain http to other machines.")
@_jobs
def update(models: tuple[str, ...], offline: bool, insecure: bool, jobs: int) -> None:
    """Fetch newer versions of the models here, each from where it came from."""
    from dragoman import hub

    with download_bar() as progress:
        changed = hub.update(models, progress=progress, access=_access(None, offline, insecure, jobs))
    for former, new in changed:
        click.echo(f"{new.name}: version {former.version} -> {new.version}")
    if not changed:
        click.echo("everything is up to date")


@contextlib.contextmanager
def download_bar() -> Iterator[Callable[[Progress], object] | None]:
    """A bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    import tqdm

    with tqdm.tqdm(unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True) as bar:

        def show(progress: Progress) -> None:
            if progress.size is not None and bar.total != progress.size:
                bar.total = progress.size
            if progress.models > 1:
                bar.set_description(f"{progress.models_done}/{progress.models} {progress.model}", refresh=False)
            else:
                bar.set_description(progress.model, refresh=False)
            bar.update(progress.bytes - bar.n)

        yield show


def _print_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """A line a row; what the columns are is said to people only."""
    from dragoman.tables import format_table

    if not rows:
        return
    lines = format_table(head, rows).split("\n")
    click.echo("\n".join(lines if sys.stdout.isatty() else lines[1:]))


def _size(size: int | None) -> str:
    from dragoman.units import format_bytes

    return "?" if size is None else format_bytes(size)
