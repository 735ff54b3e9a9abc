"""``dragoman decoder``: takes marian-decoder's command line and prints what marian-decoder prints."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dragoman.cli.decoder_options import OPTIONS, parse_arguments
from dragoman.cli.lines import check_different, input_stream, output_stream
from dragoman.cli.session import answer_lines

if TYPE_CHECKING:
    from dragoman.cli.decoder_settings import Settings
    from dragoman.model import Model
    from dragoman.result import Translation

__all__ = ["command"]


class _Marian(click.Command):
    """Leaves the command line as it is: click has no options that take values up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params = {"arguments": list(args)}
        return []


@click.command("decoder", cls=_Marian, add_help_option=False)
def command(arguments: list[str]) -> None:
    """Translate as marian-decoder does: its options, its output."""
    stated = parse_arguments(arguments)
    if "help" in stated:
        click.echo(_help())
        return
    if "version" in stated:
        from dragoman import __version__

        click.echo(f"dragoman {__version__}")
        return
    from dragoman import Translator
    from dragoman.cli.decoder_settings import merged_values, read_settings
    from dragoman.text.printing import format_best, format_n_best

    values = merged_values(stated)
    settings = read_settings(values)
    if settings.ignored and values.get("quiet") != ["true"]:
        names = ", ".join(f"--{name}" for name in settings.ignored)
        click.echo(f"dragoman: these options mean nothing here: {names}", err=True)
    check_different(settings.source, settings.output)
    models = _load(settings)
    reversed_ = models[0].config.right_to_left
    beam_size = settings.options.beam_size

    def show(number: int, translation: Translation) -> str:
        if settings.n_best:
            return format_n_best(
                number, translation, beam_size=beam_size, pieces=settings.pieces, right_to_left=reversed_
            )
        return format_best(translation, pieces=settings.pieces, right_to_left=reversed_)

    def show_failed(number: int) -> str:
        """Scripts that read n-best lists find a translation there: nothing, at no cost."""
        features = " ".join(f"F{model}= 0" for model in range(len(models)))
        return f"{number} |||  ||| {features} ||| 0" if settings.n_best else ""

    with (
        Translator(models, threads=settings.threads) as translator,
        input_stream(settings.source) as source,
        output_stream(settings.output) as output,
    ):
        failures = answer_lines(
            source,
            output,
            lambda lines: translator.translate_stream(lines, settings.options, split="none"),
            show,
            show_failed,
        )
    if failures:
        raise click.exceptions.Exit(1)


def _load(settings: Settings) -> list[Model]:
    from dragoman import ModelFiles, load

    precision: Any = settings.precision
    compat: Any = settings.compat
    with _shortlist(settings) as shortlist:
        return [
            _reading_pieces(load(files, precision=precision, shortlist=shortlist, compat=compat))
            for files in (ModelFiles(path, settings.vocabularies) for path in settings.models)
        ]


@contextlib.contextmanager
def _shortlist(settings: Settings) -> Iterator[Path | str]:
    """What to give to `dragoman.load`: for a text shortlist with sizes a binary one, made for the moment."""
    from dragoman.cli.decoder_settings import shortlist_options
    from dragoman.errors import ModelNotFoundError
    from dragoman.formats.shortlist_binary import write_binary_shortlist
    from dragoman.formats.shortlist_text import is_binary_shortlist, read_text_shortlist
    from dragoman.formats.vocabulary import read_vocabulary

    if not settings.shortlist:
        yield "none"
        return
    path, *sizes = settings.shortlist
    if not Path(path).is_file():
        raise ModelNotFoundError(Path(path), "there is no such shortlist.")
    if is_binary_shortlist(Path(path)) or sizes[:1] == ["false"]:
        yield Path(path)
        return
    first, best, threshold = shortlist_options(sizes)
    source, target = map(read_vocabulary, settings.vocabularies)
    lists = read_text_shortlist(
        Path(path), source, target, first=first, best=best, threshold=threshold, repeated="last"
    )
    with tempfile.TemporaryDirectory(prefix="dragoman-") as folder:
        binary = Path(folder) / "lex.bin"
        write_binary_shortlist(lists, binary)
        yield binary


def _reading_pieces(model: Model) -> Model:
    """Beside OPUS-MT's plain vocabularies lie SentencePiece models. Marian does not know of them: whoever
    runs marian-decoder with such a model gives it pieces and gets pieces.
    """
    if model.files.source_spm is None:
        return model
    from dragoman.text.pieces import Pieces

    plain = dataclasses.replace(model.files, source_spm=None, target_spm=None)
    pieces = Pieces.of_model(plain, *model.vocabularies, right_to_left=model.right_to_left)
    return dataclasses.replace(model, pieces=pieces)


def _help() -> str:
    lines = ["Usage: dragoman decoder [OPTIONS]", "", "marian-decoder's options:", ""]
    for option in sorted(OPTIONS.values(), key=lambda option: option.name):
        if option.role == "used":
            spelled = f"-{option.short}, --{option.name}" if option.short else f"    --{option.name}"
            lines.append(f"  {spelled:<30} {option.note}")
    for role, what in (("idle", "Accepted, without a meaning here:"), ("refused", "Refused:")):
        names = sorted(f"--{option.name}" for option in OPTIONS.values() if option.role == role)
        filled = textwrap.wrap(" ".join(names), 96, break_on_hyphens=False)
        lines += ["", what, textwrap.indent("\n".join(filled), "  ")]
    return "\n".join(lines)
