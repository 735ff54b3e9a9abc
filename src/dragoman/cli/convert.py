"""``dragoman convert``: float models to int8, text shortlists to binary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dragoman.model import Model

__all__ = ["command"]

_DEFAULT_SIZE = 100
"""Marian's, for ``first`` and ``best``."""


@click.command("convert")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option("--vocabs", nargs=2, metavar="SRC TRG", help="The model's vocabularies.")
@click.option(
    "--calibrate", metavar="TEXT", help="Translate the lines of TEXT to choose activation multipliers."
)
@click.option("--first", type=click.IntRange(0), help="Most frequent target pieces, always allowed.  [100]")
@click.option("--best", type=click.IntRange(1), help="Most target pieces for a source piece.  [100]")
def command(
    source: str,
    target: str,
    vocabs: tuple[str, str] | None,
    calibrate: str | None,
    first: int | None,
    best: int | None,
) -> None:
    """Make an int8 model (.bin) from a float model, or a binary shortlist from a text shortlist.

    Some hundred lines for --calibrate make int8 faster and a little better; they should be like the text to
    be translated. A shortlist needs --vocabs, since its entries become numbers of pieces.
    """
    from dragoman.formats.shortlist_text import is_binary_shortlist

    here, there = Path(source), Path(target)
    if there.exists() and here.exists() and there.samefile(here):
        raise click.UsageError("IN and OUT are the same file.")
    if _is_model(here):
        if first is not None or best is not None:
            raise click.UsageError("--first and --best are for shortlists, and IN is a model.")
        _convert_model(here, there, vocabs, calibrate)
    elif is_binary_shortlist(here):
        raise click.ClickException(f"{here} is a binary shortlist already.")
    else:
        if calibrate is not None:
            raise click.UsageError("--calibrate is for models, and IN is not one.")
        if vocabs is None:
            raise click.UsageError("A shortlist needs --vocabs SRC TRG.")
        _convert_shortlist(here, there, vocabs, first, best)


def _is_model(path: Path) -> bool:
    """Whether a file is a model of either format. Raises ModelNotFoundError if there is none."""
    from dragoman.errors import ModelFormatError
    from dragoman.formats.files import read_head
    from dragoman.formats.model_file import file_format

    try:
        file_format(path)
    except ModelFormatError:
        read_head(path)  # says what it is, if it is nothing of a model's
        return False
    return True


def _convert_model(source: Path, target: Path, vocabs: tuple[str, str] | None, calibrate: str | None) -> None:
    from dragoman.formats.marian_bin_write import write_bin
    from dragoman.formats.model_file import read_parameters
    from dragoman.formats.quantize import quantize

    if target.suffix == ".npz":
        raise click.UsageError("An int8 model is a .bin file: name OUT so.")
    file = read_parameters(source)
    if any(parameter.multiplier is not None for parameter in file.parameters.values()):
        raise click.ClickException(f"{source} is quantised already: start from the float model.")
    alphas = None if calibrate is None else _calibrated(source, vocabs, Path(calibrate))
    quantized = quantize(file, alphas=alphas)
    write_bin(quantized, target)
    matrices = sum(parameter.multiplier is not None for parameter in quantized.parameters.values())
    what = f"{matrices} int8 matrices, {len(quantized.alphas)} activation multipliers"
    _say(f"wrote {target}: {what}, {target.stat().st_size:,} bytes (was {source.stat().st_size:,})")


def _calibrated(source: Path, vocabs: tuple[str, str] | None, text: Path) -> dict[str, float]:
    from dragoman import ModelFiles, load
    from dragoman.backends.batch import SearchOptions
    from dragoman.calibration import collect_alphas
    from dragoman.formats.model_file import read_parameters
    from dragoman.weights.bind import bind

    files = source if vocabs is None else ModelFiles(source, vocabs)
    model = load(files, precision="float32", shortlist="none")
    sources = _segments(model, text)
    _say(f"calibrating on {len(sources)} sentences")
    target = model.vocabularies[1]
    return collect_alphas(
        model.plan,
        bind(model.plan, read_parameters(source)),
        sources,
        options=SearchOptions(eos_id=target.eos_id, unk_id=target.unk_id),
        max_length_factor=model.defaults.max_length_factor,
    )


def _segments(model: Model, text: Path) -> list[list[int]]:
    """What the model would read of a text: blank lines left out, long ones cut."""
    from dragoman.cli.lines import input_stream, read_chunks
    from dragoman.text.lines import make_lines

    with input_stream(str(text)) as stream:
        return [
            ids
            for lines in read_chunks(stream, 1000, lambda: None)
            for line in make_lines(lines, model.pieces, model.defaults)
            for ids in line.segments
        ]


def _convert_shortlist(
    source: Path, target: Path, vocabs: tuple[str, str], first: int | None, best: int | None
) -> None:
    from dragoman.formats.shortlist_binary import write_binary_shortlist
    from dragoman.formats.shortlist_text import read_text_shortlist
    from dragoman.formats.vocabulary import read_vocabulary

    lists = read_text_shortlist(
        source,
        read_vocabulary(vocabs[0]),
        read_vocabulary(vocabs[1]),
        first=_DEFAULT_SIZE if first is None else first,
        best=_DEFAULT_SIZE if best is None else best,
    )
    write_binary_shortlist(lists, target)
    _say(
        f"wrote {target}: {len(lists.ids):,} pairs, first {lists.first}, best {lists.best}, "
        f"{target.stat().st_size:,} bytes"
    )


def _say(message: str) -> None:
    click.echo(f"dragoman: {message}", err=True)
