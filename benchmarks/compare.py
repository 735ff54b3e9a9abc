"""dragoman beside the engines that pip can install: same model, text, thread and arithmetic, in turn, in one run.

    python benchmarks/compare.py MODELS [--only b] [--cpu avx2]... [--python PYTHON]... [--output benchmarks/results]

MODELS holds ``ende-tiny-ssru`` and ``enfr-selfattn``, with ``ref/test1000.en``, and beside it lies ``data/tatoeba``.
Two further students are made on demand (``students.py``). This interpreter needs dragoman, and matplotlib for plots.
Of other engines, whatever is installed in it or in a PYTHON takes part: ctranslate2 (with sentencepiece and pyyaml),
fxtranslate, pymarian, and bergamot, whose wheels end with Python 3.10.

Every engine is a process of its own with one thread; rounds go A B C A B C, and medians are compared. Processor time
is what counts on a machine with neighbours. "% of peak": what the multiplications and additions of the products,
counted from dragoman's plan, take in a loop of such instructions on registers alone, as a share of all processor time.
Best pinned to one core: ``taskset -c 0``.

``--cpu`` holds dragoman to an instruction set, and CTranslate2 to the same where it has it: what an older processor
would be fast at, measured on this one. Bergamot cannot be held; fxtranslate has AVX2 only. Energy is that of the whole
package while an engine ran, from RAPL where the system lets one read it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import time
from pathlib import Path

import plots
from machine import description
from measuring import measure
from reporting import figures, table
from workloads import WORKLOADS, model_folder, text

from dragoman._native import kernels

HERE = Path(__file__).parent


def targets() -> tuple[str, ...]:
    """Kernels to run dragoman with: the best ones, and beside tiles those of the vector unit."""
    return ("amx", "avx512vnni") if kernels.chosen() == "amx" else (kernels.chosen(),)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path)
    parser.add_argument("--only", choices=WORKLOADS, action="append", help="some workloads; else all")
    parser.add_argument("--cpu", choices=kernels.available(), action="append", help="kernels; else the best ones")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--python", action="append", default=[], help="an interpreter with further engines")
    parser.add_argument("--students", type=Path, default=HERE.parent / "build" / "students", help="where they are made")
    parser.add_argument("--output", type=Path, help="folder for compare.md, compare.json and plots")
    options = parser.parse_args()
    lines = text(options.models)
    parts = [
        f"# dragoman beside other engines\n\n{description()}, kernels {', '.join(options.cpu or targets())}, Python "
        f"{platform.python_version()}, {time.strftime('%-d %B %Y')}, one thread each, {options.repeats} rounds\n"
    ]
    record = {}
    for name in options.only or WORKLOADS:
        workload = WORKLOADS[name]
        if options.cpu:
            workload = workload.with_targets(tuple(options.cpu))
        elif len(targets()) > 1 and name in ("a", "b", "c", "int8"):
            workload = workload.with_targets(targets())
        folder = model_folder(workload, options.models, options.students)
        load = os.getloadavg()[0]
        measured = measure(workload, folder, lines, [sys.executable, *options.python], options.repeats)
        found = figures(workload, lines, measured)
        record[name] = {"title": workload.title, "load": load, "engines": [dataclasses.asdict(one) for one in found]}
        parts.append(table(workload, found, measured, load))
        print(parts[-1], flush=True)
        if options.output is not None:  # each time: what is measured is not lost
            options.output.mkdir(exist_ok=True)
            (options.output / "compare.md").write_text("\n".join(parts), encoding="utf-8")
            (options.output / "compare.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            plots.draw(record, options.output)


if __name__ == "__main__":
    main()
