"""``dragoman translate``: text, a file or standard input; one line in, one line out."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from dragoman.cli.lines import check_different, count_lines, input_stream, output_stream
from dragoman.cli.session import answer_lines, chained, progress_bar

if TYPE_CHECKING:
    from dragoman.result import Hypothesis, Translation

__all__ = ["command"]


class _AlignmentKind(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """``soft``, ``hard``, or a threshold between 0 and 1."""

    name = "soft|hard|X"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | float:
        if value in ("soft", "hard"):
            return str(value)
        try:
            threshold = float(value)
        except ValueError:
            threshold = -1.0
        if not 0 < threshold < 1:
            self.fail(f"{value!r} is not soft, hard, or a number between 0 and 1.", param, ctx)
        return threshold


@click.command("translate")
@click.argument("text", required=False)
@click.option("--model", metavar="PATH", help="Folder, decoder yml or model file.")
@click.option("--from", "source", metavar="L", help="Language of the text, for models that were pulled or come along.")
@click.option("--to", "target", metavar="L", help="Language wanted.")
@click.option("--input", "input_path", metavar="FILE", help="Translate a file.")
@click.option("--output", "output_path", metavar="FILE", help="Write into a file.")
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "int8"]), default="auto", show_default=True
)
@click.option(
    "--compat",
    type=click.Choice(["trained", "browsermt"]),
    default="trained",
    show_default=True,
    help="Compute as the Marian that trained the model, or as Bergamot's.",
)
@click.option("--beam-size", type=int, help="Hypotheses kept; 1 is greedy. Default: the model's own.")
@click.option("--normalize", type=float, help="Exponent of the length that scores are divided by.")
@click.option("--n-best", type=click.IntRange(1), help="Print this many translations of each line.")
@click.option("--alignment", type=_AlignmentKind(), help="Print which pieces translate which.")
@click.option("--shortlist", metavar="auto|none|PATH", default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(1, 1024), default=1, show_default=True)
def command(
    text: str | None,
    model: str | None,
    source: str | None,
    target: str | None,
    input_path: str | None,
    output_path: str | None,
    precision: Any,
    compat: Any,
    beam_size: int | None,
    normalize: float | None,
    n_best: int | None,
    alignment: str | float | None,
    shortlist: str,
    threads: int,
) -> None:
    """Translate TEXT, a file, or standard input: each line is a sentence and gives a line.

    With --n-best each translation is a line of fields between tabs: number of the input line (from 1), rank,
    score, translation. With --alignment a field follows: pairs source-target of piece numbers, which count
    from 0 and include the end symbol, or with "soft" the weights of all source pieces for each target piece.

    A line that cannot be translated gives an empty line, a message on stderr, and exit code 1 at the end.
    """
    from dragoman import Translator, load

    if text is not None and input_path is not None:
        raise click.UsageError("Give TEXT or --input, not both.")
    check_different(input_path, output_path)
    route = _route(model, source, target)
    if len(route) > 1 and (alignment is not None or shortlist not in ("auto", "none")):
        what = "--alignment" if alignment is not None else f"--shortlist {shortlist}"
        raise click.UsageError(f"{what} needs a single model: {source}-{target} goes through English.")
    search = {"beam_size": beam_size, "normalize": normalize}
    plain: dict[str, Any] = {"n_best": 1, "alignment": None}  # whatever a model's configuration asks for
    changes = plain | {name: value for name, value in search.items() if value is not None}
    last = changes | {
        name: value for name, value in (("n_best", n_best), ("alignment", alignment)) if value is not None
    }
    with contextlib.ExitStack() as stack:
        models = [load(path, precision=precision, shortlist=shortlist, compat=compat) for path in route]
        translators = [stack.enter_context(Translator(one, threads=threads)) for one in models]
        answers = chained(translators, changes, last)
        source_stream: BinaryIO = (
            io.BytesIO(text.encode("utf-8", "surrogateescape"))
            if text is not None
            else stack.enter_context(input_stream(input_path))
        )
        target_stream = stack.enter_context(output_stream(output_path))
        # A bar among the translations, or under what is being typed, helps nobody.
        wanted = text is None and (output_path is not None or not sys.stdout.isatty())
        progress = stack.enter_context(progress_bar(count_lines(input_path), wanted=wanted))
        failures = answer_lines(
            source_stream,
            target_stream,
            answers,
            _shown_n_best if n_best is not None else _shown,
            (lambda number: f"{number + 1}\t1\t\t") if n_best is not None else (lambda number: ""),
            progress,
        )
    if failures:
        raise click.exceptions.Exit(1)


def _route(model: str | None, source: str | None, target: str | None) -> tuple[Path | str, ...]:
    """The models to apply, one after the other."""
    if model is not None and (source is not None or target is not None):
        raise click.UsageError("Give --model, or --from and --to, not both.")
    if model is not None:
        return (model,)
    if source is None or target is None:
        raise click.UsageError("Give --model PATH, or --from and --to.")
    from dragoman.cli.offer import models_between

    return models_between(source, target)


def _shown(number: int, translation: Translation) -> str:
    hypothesis = translation.n_best[0]
    if hypothesis.alignment is None:
        return _one_line(hypothesis.text)
    return "\t".join(_fields(hypothesis))


def _shown_n_best(number: int, translation: Translation) -> str:
    return "\n".join(
        "\t".join([str(number + 1), str(rank), f"{hypothesis.score:.6g}", *_fields(hypothesis)])
        for rank, hypothesis in enumerate(translation.n_best, 1)
    )


def _fields(hypothesis: Hypothesis) -> list[str]:
    """The text, and the alignment if there is one."""
    from dragoman.text.printing import format_alignment

    fields = [_one_line(hypothesis.text).replace("\t", " ")]
    if hypothesis.alignment is not None:
        fields.append(format_alignment(hypothesis.alignment))
    return fields


def _one_line(text: str) -> str:
    """Byte pieces can spell line ends, which would shift all later lines."""
    return text.replace("\r", " ").replace("\n", " ")
