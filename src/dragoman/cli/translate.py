"""``dragoman translate``: text, a file or standard input; one line in, one line out."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from dragoman.cli.arguments import Job, plan_outputs, read_arguments
from dragoman.cli.files import translate_files
from dragoman.cli.languages import choose_models, detect_source
from dragoman.cli.lines import check_different, count_lines, input_stream, output_stream
from dragoman.cli.session import answer_lines, progress_bar

if TYPE_CHECKING:
    from dragoman.memory.memory import TranslationMemory
    from dragoman.result import Hypothesis, Translation

__all__ = ["command"]

_SAMPLE = 1 << 16
"""Bytes by which a language is told."""


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
@click.argument("arguments", nargs=-1, metavar="[TEXT | FILE...]")
@click.option("--model", metavar="PATH", help="Folder, decoder yml or model file.")
@click.option("--models", "folder", metavar="DIR", help="Folder of models, to be chosen from by --from and --to.")
@click.option("--from", "source", metavar="L", help="Language of the text, or auto.")
@click.option("--to", "target", metavar="L", help="Language wanted.")
@click.option("--input", "input_path", metavar="FILE", help="Translate the lines of a file.")
@click.option("--output", "output_path", metavar="FILE|DIR", help="Write there.")
@click.option("--format", "format_name", metavar="F", help="Format of files or standard input. Default: by suffix.")
@click.option(
    "--split",
    type=click.Choice(["paragraph", "sentence", "wrapped_text", "none"]),
    default="paragraph",
    show_default=True,
    help="What a line is.",
)
@click.option("--glossary", "glossary_path", metavar="FILE", help="Terms: TSV, CSV or TBX.")
@click.option(
    "--memory", "memory_path", metavar="FILE", help="Of translations: kept there, and not made again; or a TMX file."
)
@click.option("--keep", multiple=True, metavar="TEXT", help="What is copied; may be given several times.")
@click.option("--encoding", default="", metavar="E", help="Of text files that do not say it. Default: UTF-8.")
@click.option("--columns", metavar="NAME|N,...", help="Of tables: which to translate.")
@click.option("--header/--no-header", default=True, help="Tables begin with a row of names.")
@click.option("--fuzzy/--no-fuzzy", default=True, help="Mark what is filled into catalogues for review.")
@click.option("--resume", is_flag=True, help="Leave files whose translation is there and is not older.")
@click.option("--bilingual", is_flag=True, help="Write sentences side by side instead: .tsv, .html or .tmx.")
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
    arguments: tuple[str, ...],
    model: str | None,
    folder: str | None,
    source: str | None,
    target: str | None,
    input_path: str | None,
    output_path: str | None,
    format_name: str | None,
    split: Any,
    glossary_path: str | None,
    memory_path: str | None,
    keep: tuple[str, ...],
    encoding: str,
    columns: str | None,
    header: bool,
    fuzzy: bool,
    bilingual: bool,
    resume: bool,
    precision: Any,
    compat: Any,
    beam_size: int | None,
    normalize: float | None,
    n_best: int | None,
    alignment: str | float | None,
    shortlist: str,
    threads: int,
) -> None:
    """Translate TEXT, files, or standard input.

    Of TEXT and standard input each line is a paragraph and gives a line. Files keep their form: what they are says
    their suffix, or --format. Several files, and folders, need --output FOLDER.

    With --n-best each translation is a line of fields between tabs: number of the input line (from 1), rank,
    score, translation. With --alignment a field follows: pairs source-target of piece numbers, which count
    from 0 and include the end symbol, or with "soft" the weights of all source pieces for each target piece.

    A line that cannot be translated gives an empty line, a message on stderr, and exit code 1 at the end; so does a
    file, and the others are written.
    """
    from dragoman import Glossary, Translator, load
    from dragoman.run.route import Route

    wanted = read_arguments(arguments)
    if arguments and input_path is not None:
        raise click.UsageError("Give TEXT or FILE, or --input, not both.")
    check_different(input_path, output_path)
    jobs = plan_outputs(wanted, output_path) if wanted.files else []
    document: bytes | None = None
    if not jobs and format_name not in (None, "text", "txt"):
        document = _read_all(wanted.text, input_path)
    if (jobs or document is not None) and (n_best is not None or alignment is not None):
        raise click.UsageError("--n-best and --alignment are for lines, not for documents.")
    lines: bytes | None = None
    if source == "auto":
        if not jobs and document is None:
            lines = _read_all(wanted.text, input_path)
        sample = jobs[0].path.read_bytes() if jobs else document if document is not None else lines or b""
        source = detect_source(sample[:_SAMPLE].decode(encoding or "utf-8", "replace"), folder, target)
    paths = choose_models(model, folder, source, target)
    if len(paths) > 1 and shortlist not in ("auto", "none"):
        raise click.UsageError(f"--shortlist {shortlist} needs a single model: {source}-{target} needs several.")
    stated = {"beam_size": beam_size, "normalize": normalize, "n_best": n_best, "alignment": alignment}
    changes: dict[str, Any] = {"n_best": 1, "alignment": None}  # whatever a model's configuration asks for
    changes |= {name: value for name, value in stated.items() if value is not None}
    call: dict[str, Any] = {"keep": keep}
    if glossary_path is not None:
        call["glossary"] = Glossary.load(glossary_path, source=source, target=target)
    with contextlib.ExitStack() as stack:
        models = [load(path, precision=precision, shortlist=shortlist, compat=compat) for path in paths]
        memory = _memory(memory_path, stack, source, target)
        translators = [stack.enter_context(Translator(one, threads=threads, memory=memory)) for one in models]
        translator = Route(translators) if len(translators) > 1 else translators[0]
        languages = translator.languages or ("", "")
        files: dict[str, Any] = {
            "source": source or languages[0],
            "target": target or languages[1],
            "format": format_name or "",
            "split": split,
            "encoding": encoding,
            "columns": tuple(columns.split(",")) if columns else (),
            "header": header,
            "fuzzy": fuzzy,
            "bilingual": bilingual,
        }
        if jobs or document is not None:
            from dragoman.documents.translate import translate_file

            if document is not None:
                jobs = [Job(stack.enter_context(_kept(document)), Path(output_path) if output_path else None)]
            failures = translate_files(
                jobs, lambda path, output: translate_file(path, output, translator, **files, **call, **changes),
                resume=resume,
            )
        else:
            text = wanted.text.encode("utf-8", "surrogateescape") if wanted.text is not None else lines
            source_stream: BinaryIO = (
                io.BytesIO(text) if text is not None else stack.enter_context(input_stream(input_path))
            )
            target_stream = stack.enter_context(output_stream(output_path))
            # A bar among the translations, or under what is being typed, helps nobody.
            shown = text is None and (output_path is not None or not sys.stdout.isatty())
            progress = stack.enter_context(progress_bar(count_lines(input_path), wanted=shown))
            call |= {"split": split, "source_language": source, **changes}
            failures = answer_lines(
                source_stream,
                target_stream,
                lambda some: translator.translate_stream(some, **call),
                _shown_n_best if n_best is not None else _shown,
                (lambda number: f"{number + 1}\t1\t\t") if n_best is not None else (lambda number: ""),
                progress,
            )
    if failures:
        raise click.exceptions.Exit(1)


def _read_all(text: str | None, path: str | None) -> bytes:
    if text is not None:
        return text.encode("utf-8", "surrogateescape")
    with input_stream(path) as stream:
        return stream.read()


def _memory(
    path: str | None, stack: contextlib.ExitStack, source: str | None, target: str | None
) -> TranslationMemory | None:
    """The memory of this file, which is made if it is not there; of a TMX file what is in it, and nothing is kept."""
    if path is None:
        return None
    from dragoman.memory.memory import TranslationMemory

    if not path.lower().endswith(".tmx"):
        return stack.enter_context(TranslationMemory(path=path))
    if source is None or target is None:
        raise click.UsageError("--memory with a TMX file needs --from and --to.")
    memory = stack.enter_context(TranslationMemory())
    memory.read_tmx(path, source, target)
    return memory


@contextlib.contextmanager
def _kept(document: bytes) -> Iterator[Path]:
    """Standard input as a file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin"
        path.write_bytes(document)
        yield path


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
