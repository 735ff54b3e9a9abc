"""``dragoman plan``: how a model runs, and in how much memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["command"]


@click.command("plan")
@click.argument("model")
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "int8"]), default="auto", show_default=True
)
@click.option("--sentences", type=click.IntRange(1, 1 << 16), default=32, show_default=True)
@click.option(
    "--tokens", type=click.IntRange(1, 1 << 20), default=25, show_default=True, help="Of each source."
)
@click.option(
    "--target-tokens",
    type=click.IntRange(1, 1 << 20),
    help="Most of each translation. Default: tokens times the model's own factor.",
)
@click.option("--beam-size", type=click.IntRange(1, 1024), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--plot", "picture", metavar="FILE", help="Draw which value lies where and when (.png, .svg).")
def command(
    model: str,
    precision: Any,
    sentences: int,
    tokens: int,
    target_tokens: int | None,
    beam_size: int,
    as_json: bool,
    picture: str | None,
) -> None:
    """Print the instructions that MODEL runs, its values, and the bytes of scratch memory for one batch.

    With a shortlist the bytes are those of a batch whose lists allow every target piece: the most.
    """
    from dragoman import load
    from dragoman.backends.batch import target_limit
    from dragoman.planning.batch_extents import extents_of_batch, groups
    from dragoman.planning.show import show, to_json

    loaded = load(model, precision=precision)
    lengths = [tokens] * sentences
    limit = target_tokens or target_limit(tokens, loaded.defaults.max_length_factor)
    vocabulary = loaded.weights.vocabulary
    extents = extents_of_batch(
        lengths,
        groups(lengths),
        beam_size=beam_size,
        target_limits=[limit] * sentences,
        vocabulary_size=vocabulary,
        union_size=0 if loaded.shortlist is None else vocabulary,
    )
    click.echo(to_json(loaded.plan, extents) if as_json else show(loaded.plan, extents))
    if picture is not None:
        _draw(loaded.plan, extents, Path(picture))
        click.echo(f"wrote {picture}", err=True)


def _draw(plan: Any, extents: Any, path: Path) -> None:
    try:
        from dragoman.planning.plot import plot

        plot(plan, extents, path)
    except ImportError:
        raise click.ClickException("--plot needs matplotlib: pip install dragoman[plot]") from None
    except ValueError as error:  # matplotlib does not know the suffix
        raise click.UsageError(f"--plot {path}: {error}") from None
