"""``dragoman fleet``: the models of a folder or fleet.toml, and a trace of requests against a budget."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dragoman.catalogue.catalogue import Catalogue, CatalogueModel
    from dragoman.fleet.simulate import TraceSummary

__all__ = ["command"]


@click.command("fleet")
@click.argument("path", metavar="FILE|DIR")
@click.option("--budget", metavar="SIZE", help='Most bytes of weights in memory, such as "500 MB".')
@click.option("--simulate", "trace", metavar="TRACE", help="Replay requests: JSON lines of time, model, words.")
@click.option("--policy", metavar="NAME", help="Only this policy: lru, lfu, fifo or largest-first.")
@click.option("--workers", type=click.IntRange(1, 1024), default=2, show_default=True, help="For --simulate.")
@click.option("--words-per-second", type=float, default=5000.0, show_default=True, help="Of one worker.")
@click.option("--load-mb-per-second", type=float, default=1000.0, show_default=True, help="Weights read.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(
    path: str,
    budget: str | None,
    trace: str | None,
    policy: str | None,
    workers: int,
    words_per_second: float,
    load_mb_per_second: float,
    as_json: bool,
) -> None:
    """Show a catalogue of models: a folder of model folders, or a fleet.toml.

    Sizes are those of the weights in memory, estimated from the files; then those of the prepared files in the
    cache, and how much of them the system holds in memory now. With a budget it says what fits.
    With --simulate a trace of requests is replayed against the budget, by policy: how often a model was in
    memory, how long was spent on loading, and how long requests took.
    """
    from dragoman.catalogue.catalogue import read_directory, read_fleet_file
    from dragoman.errors import OptionsError
    from dragoman.units import parse_bytes

    where = Path(path)
    if where.is_dir() and (where / "fleet.toml").is_file():
        where = where / "fleet.toml"
    catalogue = read_directory(where) if where.is_dir() else read_fleet_file(where)
    wanted = budget if budget is not None else catalogue.settings.get("weights_budget")
    limit = None if wanted is None else parse_bytes("--budget", wanted)
    if trace is None:
        _show(catalogue, limit, as_json)
        return
    for name, value in (
        ("--words-per-second", words_per_second),
        ("--load-mb-per-second", load_mb_per_second),
    ):
        if not value > 0:
            raise OptionsError(name, value, "above 0")
    _simulate(catalogue, limit, Path(trace), policy, workers, words_per_second, load_mb_per_second, as_json)


def _show(catalogue: Catalogue, limit: int | None, as_json: bool) -> None:
    from dragoman.tables import format_table
    from dragoman.units import format_bytes

    prepared_files = _prepared_files()
    rows = [_describe(model, prepared_files) for model in catalogue.models]
    total = sum(row["weights_bytes"] for row in rows)
    prepared = sum(row["prepared_bytes"] for row in rows)
    if as_json:
        totals = {"weights_bytes": total, "prepared_bytes": prepared, "weights_budget": limit}
        click.echo(json.dumps({"models": rows, **totals}, indent=1))
        _fail_if_unloadable(rows)
        return
    table = [
        (
            row["name"],
            "-".join(row["languages"] or ()),
            row["precision"],
            format_bytes(row["weights_bytes"]),
            format_bytes(row["prepared_bytes"]) if row["prepared_bytes"] else "",
            "" if row["cached_bytes"] is None else format_bytes(row["cached_bytes"]),
            "pinned" if row["pinned"] else "",
            row["error"] or "",
        )
        for row in rows
    ]
    click.echo(
        format_table(("model", "languages", "stored", "weights", "prepared", "in memory", "", ""), table).rstrip()
    )
    click.echo(
        f"\n{len(rows)} models, {format_bytes(total)} of weights if all were in memory."
        f" Prepared: {format_bytes(prepared)}."
    )
    if limit is not None:
        click.echo(f"The budget of {format_bytes(limit)} holds {_fitting(rows, limit)} of them at once.")
    _fail_if_unloadable(rows)


def _fail_if_unloadable(rows: list[dict[str, Any]]) -> None:
    """Exit code 1: scripts ask whether a fleet can be used."""
    failing = [row["name"] for row in rows if row["error"]]
    if failing:
        click.echo(f"dragoman: {len(failing)} models cannot be loaded: {', '.join(failing[:10])}", err=True)
        raise click.exceptions.Exit(1)


def _prepared_files() -> dict[str, Path]:
    """Prepared weights in the cache, by the model file that they were made of."""
    from dragoman.errors import DragomanError
    from dragoman.formats.prepared import decode_head
    from dragoman.weights.cache_folder import cache_folder
    from dragoman.weights.store import map_prepared, stored_files

    folder = cache_folder()
    found = {}
    for path in [] if folder is None else stored_files(folder):
        try:
            facts = decode_head(memoryview(map_prepared(path)[0]), path, verify_payload=False).facts
            found[os.path.realpath(facts.made_of)] = path
        except (DragomanError, OSError):
            continue  # `dragoman cache verify` says what is wrong with it
    return found


def _describe(model: CatalogueModel, prepared_files: dict[str, Path]) -> dict[str, Any]:
    from dragoman.catalogue.catalogue import estimate_bytes
    from dragoman.errors import DragomanError
    from dragoman.fleet.process_memory import cached_bytes
    from dragoman.formats.bundle import find_bundle
    from dragoman.formats.model_file import stored_precision

    error, precision, prepared = None, "", None
    try:
        file = find_bundle(model.path).model
        precision = stored_precision(file)
        prepared = prepared_files.get(os.path.realpath(file))
    except (DragomanError, OSError) as problem:
        error = str(problem)
    return {
        "name": model.name,
        "path": str(model.path),
        "languages": model.languages,
        "precision": precision,
        "pinned": model.pinned,
        "weights_bytes": estimate_bytes(model.path, model.options),
        "prepared_bytes": 0 if prepared is None else prepared.stat().st_size,
        "cached_bytes": None if prepared is None else cached_bytes(prepared),
        "error": error,
    }


def _fitting(rows: list[dict[str, Any]], limit: int) -> int:
    """How many fit, the smallest first."""
    count = used = 0
    for size in sorted(row["weights_bytes"] for row in rows):
        used += size
        if used > limit:
            break
        count += 1
    return count


def _simulate(
    catalogue: Catalogue,
    limit: int | None,
    trace: Path,
    policy: str | None,
    workers: int,
    words_per_second: float,
    load_mb_per_second: float,
    as_json: bool,
) -> None:
    from dragoman.catalogue.catalogue import estimate_bytes
    from dragoman.fleet.residency import POLICIES
    from dragoman.fleet.simulate import Costs, read_trace, simulate

    with trace.open(encoding="utf-8") as lines:
        requests = read_trace(lines, trace.name)
    sizes = {model.name: estimate_bytes(model.path, model.options) for model in catalogue.models}
    pinned = frozenset(model.name for model in catalogue.models if model.pinned)
    costs = Costs(words_per_s=words_per_second, load_bytes_per_s=load_mb_per_second * 1e6)
    found = [
        simulate(requests, sizes, budget=limit, policy=name, workers=workers, costs=costs, pinned=pinned)
        for name in ([policy] if policy else POLICIES)
    ]
    if as_json:
        rows = [{**dataclasses.asdict(one), "hit_rate": one.hit_rate} for one in found]
        click.echo(json.dumps({"budget": limit, "policies": rows}, indent=1))
        return
    click.echo(_table(found))


def _table(found: list[TraceSummary]) -> str:
    from dragoman.tables import format_table
    from dragoman.units import format_bytes

    rows = [
        (
            one.policy,
            f"{100 * one.hit_rate:.1f} %",
            str(one.loads),
            str(one.evictions),
            f"{one.load_s:.2f} s",
            f"{one.p50_s * 1000:.1f} ms",
            f"{one.p99_s * 1000:.1f} ms",
            format_bytes(one.peak_bytes),
        )
        for one in found
    ]
    return format_table(("policy", "hits", "loads", "evictions", "loading", "p50", "p99", "peak"), rows)
