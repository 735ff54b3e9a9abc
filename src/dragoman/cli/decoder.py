"""``dragoman decoder``: takes marian-decoder's command line and prints what marian-decoder prints."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dragoman.cli.decoder_options import parse_arguments
from dragoman.cli.lines import check_different, input_stream, output_stream
from dragoman.cli.session import answer_lines
from dragoman.formats.decoder_options import OPTIONS

if TYPE_CHECKING:
    from dragoman.cli.decoder_settings import Settings
    from dragoman.model import Model
    from dragoman.result import Translation

__all__ = ["command"]


_ROLES = (
    ("model", "Of the architecture, for model files that do not say it (Nematus):"),
    ("idle", "Accepted, without a meaning here:"),
    ("lost", "Accepted, with an influence in Marian that is missing here:"),
    ("refused", "Refused:"),
)


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
    settings = read_settings(values, stated)
    _say("these options mean nothing here", settings.ignored if str(values.get("quiet")).lower() != "true" else ())
    _say("these options have no effect here, the output may differ from Marian's", settings.lost)
    check_different(settings.source, settings.output)
    models = _load(settings)
    _dump(settings, models[0])
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
    """Marian knows nothing of the SentencePiece models that lie beside OPUS-MT's plain vocabularies: whoever runs
    marian-decoder with such a model gives it pieces and gets pieces.
    """
    from dragoman.formats.bundle import bundles_of_config
    from dragoman.model import load_bundle

    precision = "int8" if settings.config.int8 else "auto"
    return [
        load_bundle(files, precision=precision, compat=settings.compat, cut_already=True)
        for files in bundles_of_config(settings.config)
    ]


def _dump(settings: Settings, model: Model) -> None:
    from dragoman.formats.shortlist_text import dump_shortlist, is_binary_shortlist

    options = settings.config.shortlist
    if options is not None and options.dump and model.shortlist is not None and not is_binary_shortlist(options.path):
        dump_shortlist(model.shortlist, *model.vocabularies, options.dump)


def _say(what: str, names: Sequence[str]) -> None:
    if names:
        click.echo(f"dragoman: {what}: {', '.join(f'--{name}' for name in names)}", err=True)


def _help() -> str:
    lines = ["Usage: dragoman decoder [OPTIONS]", "", "marian-decoder's options:", ""]
    for option in sorted(OPTIONS.values(), key=lambda option: option.name):
        if option.role == "used":
            spelled = f"-{option.short}, --{option.name}" if option.short else f"    --{option.name}"
            lines.append(f"  {spelled:<30} {option.note}")
    for role, what in _ROLES:
        names = sorted(f"--{option.name}" for option in OPTIONS.values() if option.role == role)
        filled = textwrap.wrap(" ".join(names), 96, break_on_hyphens=False)
        lines += ["", what, textwrap.indent("\n".join(filled), "  ")]
    return "\n".join(lines)
