"""``dragoman profile``: where the time of a model goes."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dragoman.run.profiling import Profile

__all__ = ["command"]


@click.command("profile")
@click.argument("model")
@click.option("--input", "input_path", metavar="FILE", help="Text to translate. Default: a few sentences.")
@click.option(
    "--batch", type=click.IntRange(1, 1 << 16), default=64, show_default=True, help="Sentences together."
)
@click.option("--beam-size", type=click.IntRange(1, 1024), help="Default: the model's own.")
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "int8"]), default="auto", show_default=True
)
@click.option("--shortlist", metavar="auto|none|PATH", default="auto", show_default=True)
@click.option("--all", "every", is_flag=True, help="Every instruction, not only sums of like ones.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(
    model: str,
    input_path: str | None,
    batch: int,
    beam_size: int | None,
    precision: Any,
    shortlist: str,
    every: bool,
    as_json: bool,
) -> None:
    """Translate a text with MODEL on one thread and print time, operations and share of the peak of each instruction.

    The peak is that of a loop of the same instructions on registers alone, measured in the same run.
    """
    from dragoman import load
    from dragoman.cli.lines import input_stream, read_chunks
    from dragoman.options import DecodingOptions
    from dragoman.run.profiling import profile

    loaded = load(model, precision=precision, shortlist=shortlist)
    changes = {} if beam_size is None else {"beam_size": beam_size}
    options = DecodingOptions.of(None, changes, loaded.defaults)
    if input_path is None:
        texts = _SENTENCES * 16
    else:
        with input_stream(input_path) as stream:
            texts = [line for chunk in read_chunks(stream, 1 << 20, lambda: None) for line in chunk]
    found = profile(loaded, texts, batch_sentences=batch, options=options)
    click.echo(_json(found) if as_json else _table(found, every))


_SENTENCES = [
    "A man in an orange hat is starring at something.",
    "The train to the coast leaves at eight o'clock, so we should have breakfast early.",
    "Two young children play football in the park behind the old library.",
    "She said that she would call as soon as the meeting was over.",
]


def _json(found: Profile) -> str:
    values = dataclasses.asdict(found) | {"arithmetic_share": found.arithmetic_share}
    return json.dumps(values, indent=2)


def _table(found: Profile, every: bool) -> str:
    rows: dict[tuple[str, str], list[float]] = {}
    for number, cost in enumerate(found.costs):
        # Like instructions of all layers are one row, unless every one is wanted.
        name = (
            cost.name
            if every
            else cost.name.partition(" ")[0]
            + (" [" + cost.name.partition("[")[2] if "[" in cost.name else "")
        )
        row = rows.setdefault(
            (cost.phase, f"{number:3d} {name}" if every else name), [0, 0, 0, 0, cost.integer]
        )
        for place, value in enumerate((cost.nanoseconds, cost.calls, cost.rows, cost.operations)):
            row[place] += value
    total = found.seconds * 1e9
    lines = [
        f"{'phase':7} {'instruction':44} {'ms':>9} {'share':>6} {'rows/call':>9} {'GOP/s':>7} {'peak':>5}"
    ]
    ordered = rows.items() if every else sorted(rows.items(), key=lambda item: -item[1][0])
    for (phase, name), (nanoseconds, calls, count, operations, integer) in ordered:
        peak = found.peak_int8 if integer else found.peak_float
        rate = operations / nanoseconds if operations and nanoseconds else 0.0
        speed = f"{rate:7.0f} {rate * 1e9 / peak:5.0%}" if rate else ""
        lines.append(
            f"{phase:7} {name[:44]:44} {nanoseconds / 1e6:9.2f} {nanoseconds / total:6.1%} "
            f"{count / max(calls, 1):9.1f} {speed}".rstrip()
        )
    measured = sum(row[0] for row in rows.values())
    lines.append(
        f"{'':7} {'search, and what lies between':44} {(total - measured) / 1e6:9.2f} {1 - measured / total:6.1%}"
    )
    lines.append(
        f"\n{found.words / found.seconds:,.0f} words/s, {found.arithmetic_share:.0%} of the arithmetic limit "
        f"(peak {found.peak_int8 / 1e9:,.0f} GOP/s int8, {found.peak_float / 1e9:,.0f} float32)"
    )
    return "\n".join(lines)
