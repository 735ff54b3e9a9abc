"""How many lines come out as Marian wrote them: runs the commands that were recorded beside models once more.

    python benchmarks/agreement.py MODELS [--compat browsermt] [--json FILE]

MODELS is a model's folder, or a folder of such. In each, ``COMMANDS.txt`` has a ``marian-decoder`` command line for
each file that it wrote (``-o``). Their options are read as ``dragoman decoder`` reads them, and what comes out is
compared. A line that is not equal is translated once more with the limit of length that it had in Marian, where the
longest line of a batch decides for all of it.

Left out are commands that print alignments or n-best lists, and shortlists with batches of several sentences, which
let translations depend on their neighbours. Of two commands that differ in their input the longer one counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from dragoman import Model, Translator
from dragoman.cli.decoder_options import Values, parse_arguments
from dragoman.cli.decoder_settings import merged_values, read_settings
from dragoman.formats.bundle import bundles_of_config
from dragoman.model import load_bundle
from dragoman.tables import format_table

_NOT_TEXT = {"n-best", "alignment", "word-scores", "dump-quantmult", "no-spm-decode"}


@dataclass(frozen=True)
class Agreement:
    """One recorded file: ``equal`` of its ``lines`` came out alike."""

    model: str
    file: str
    precision: str
    lines: int
    equal: int


def recorded(folder: Path) -> list[Values]:
    """Options of the commands of a folder that can be compared, the longest input for each set of options."""
    best: dict[tuple[str, ...], tuple[int, Values]] = {}
    for line in (folder / "COMMANDS.txt").read_text(encoding="utf-8").splitlines():
        words = shlex.split(line)
        if not words or Path(words[0]).name != "marian-decoder" or any(word.startswith(("2>", ">")) for word in words):
            continue
        values = parse_arguments(words[1:])
        alone = values.get("mini-batch", ["1"]) == ["1"]
        if _NOT_TEXT & values.keys() or ("shortlist" in values and not alone) or "output" not in values:
            continue
        written = folder / values["output"][-1]
        if written.is_file():
            others = tuple(f"{name}={values[name]}" for name in sorted(values) if name not in ("input", "output"))
            size = written.stat().st_size
            if size > best.get(others, (0,))[0]:
                best[others] = (size, values)
    return [values for _, values in best.values()]


def measure(folder: Path, compat: str) -> Iterator[Agreement]:
    """Run the commands of a folder, and compare."""
    with contextlib.chdir(folder):
        for values in recorded(folder):
            settings = read_settings(merged_values(values), values)
            (files,) = bundles_of_config(settings.config)
            precision = "int8" if settings.config.int8 else "auto"
            model = load_bundle(files, precision=precision, compat=compat, cut_already=True)
            lines = Path(values["input"][-1]).read_bytes().decode("utf-8").split("\n")[:-1]
            expected = Path(values["output"][-1]).read_bytes().decode("utf-8").split("\n")[:-1]
            with Translator(model) as translator:
                found = [one.text for one in translator.translate(lines, settings.options, split="none")]
                factors = marian_factors(model, lines, settings.options.max_length_factor, values)
                for number, factor in enumerate(factors):
                    if found[number] != expected[number]:
                        options = settings.options.replace(max_length_factor=factor)
                        found[number] = translator.translate(lines[number], options, split="none").text
            same = sum(one == other for one, other in zip(found, expected, strict=True))
            precision = "int8" if settings.config.int8 else "float32"
            yield Agreement(folder.name, values["output"][-1], precision, len(lines), same)


def marian_factors(model: Model, lines: list[str], factor: float, values: Values) -> list[float]:
    """What gives each line the limit that it had in Marian, where the longest line of its batch decides."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "golden"))
    from marian_batches import marian_limits

    lengths = [len(ids) + 1 for ids in model.pieces.encode(lines)]
    limits = marian_limits(lengths, int(values.get("mini-batch", ["1"])[-1]), factor)
    return [(limit - 0.5) / length for limit, length in zip(limits, lengths, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--compat", default="browsermt", choices=("trained", "browsermt"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    models = arguments.models.resolve()
    found = [models / "COMMANDS.txt"] if (models / "COMMANDS.txt").is_file() else sorted(models.glob("*/COMMANDS.txt"))
    folders = [path.parent for path in found]
    if not folders:
        parser.error(f"no COMMANDS.txt in {models} or a folder in it")
    results = [result for folder in folders for result in measure(folder, arguments.compat)]
    rows = [(one.model, one.file, one.precision, f"{one.equal:,}", f"{one.lines:,}") for one in results]
    print(format_table(("model", "written by Marian", "precision", "equal", "lines"), rows).rstrip())
    for precision in sorted({one.precision for one in results}):
        own = [one for one in results if one.precision == precision]
        equal, lines = sum(one.equal for one in own), sum(one.lines for one in own)
        print(f"{precision}: {equal:,} of {lines:,} lines, {equal / lines:.2%}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(one) for one in results], indent=1) + "\n")


if __name__ == "__main__":
    main()
