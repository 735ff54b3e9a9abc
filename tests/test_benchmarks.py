"""What the benchmarks are made of: students that end of themselves, and figures from runs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import dragoman
from dragoman.catalogue.bundled import find_route
from dragoman.formats.npz import write_npz
from dragoman.formats.parameters import Parameter, freeze

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import students
from machine import energy_counters, joules
from measuring import Measured
from reporting import figures, table
from workloads import WORKLOADS, Contender, Workload

SENTENCES = ["Where is the train station?", "She said that she would call as soon as the meeting was over.", "No."]


def test_a_student_ends_its_translations_whatever_the_text(tmp_path: Path) -> None:
    (vocabulary,) = {path / "vocab.spm" for path in find_route("en", "de")}
    shutil.copyfile(vocabulary, tmp_path / "vocab.spm")
    shape, pieces = students.Shape(width=128, inner=256, encoder=1, decoder=1), 8000
    arrays = students.parameters(shape, pieces, seed=1)
    floats = {name: Parameter(name, array.shape, array) for name, array in arrays.items()}
    path = tmp_path / "model.npz"
    write_npz(freeze(path, floats, students.options(shape, pieces), {}), path)
    files = dragoman.ModelFiles(path, (tmp_path / "vocab.spm", tmp_path / "vocab.spm"))
    translator = dragoman.Translator(dragoman.load(files))
    lengths = [len(one.n_best[0].tokens) for one in translator.translate(SENTENCES, max_length_factor=50.0)]
    assert all(students.LENGTH / 2 < length < 2 * students.LENGTH for length in lengths), lengths


def run(cpu_s: float, texts: list[str], latencies: list[float], rate: float) -> dict[str, Any]:
    return {
        "wall_s": 2 * cpu_s,
        "cpu_s": cpu_s,
        "latencies_ms": latencies,
        "texts": texts,
        "pieces": 7,
        "peak_mb": 100.0,
        "pss_mb": 50.0,
        "energy_j": cpu_s * 10 if rate else None,
        "peaks": {"avx2": [rate, 1.0]} if rate else {},
    }


def test_figures_are_medians_and_ratios_of_pairs() -> None:
    first, other = (Contender(engine, "int8") for engine in ("dragoman", "fxtranslate"))
    workload = Workload("title", "folder", lines=2, single=1, contenders=(first, other))
    ours = Measured(
        first,
        {"load_s": 0.1, "first_s": 0.2},
        {
            "batch": [run(seconds, ["x", "y"], [1.0], 1e3) for seconds in (1.0, 4.0, 2.0)],
            "single": [run(seconds, ["x"], [seconds], 1e3) for seconds in (1.0, 3.0, 2.0)],
        },
        {kind: {"int8": 500.0, "float32": 0.0, "workspace": 2.0**20} for kind in ("batch", "single")},
    )
    theirs = Measured(
        other,
        {"load_s": 0.1, "first_s": 0.2},
        {"batch": [], "single": [run(seconds, ["z"], [seconds], 0.0) for seconds in (2.0, 12.0, 6.0)]},
    )
    found = figures(workload, ["one two", "three four five"], [ours, theirs])
    assert found[0].cpu == (pytest.approx(400), pytest.approx(1000))
    assert found[0].rates == (pytest.approx(5 / 4), pytest.approx(2 / 4))
    assert found[0].shares["avx2"] == (pytest.approx(0.25), pytest.approx(0.25))
    assert found[1].cpu == (None, pytest.approx(3000))
    assert found[1].ratios == (None, pytest.approx(3))  # of pairs: 2, 4 and 3
    assert (found[0].alike, found[1].alike) == (1, 0)
    assert found[0].energy == (pytest.approx(4000), pytest.approx(10_000))
    assert found[1].energy == (None, None)
    text = table(workload, found, [ours, theirs], 0.5)
    assert "fxtranslate int8 | -, 0 |" in text
    assert "| J/1000 words |" in text and "| 4000.0, 10000.0 |" in text


def test_engines_are_held_to_the_first_instruction_set() -> None:
    found = WORKLOADS["int8"].with_targets(("avx2", "generic")).contenders
    assert [one.name for one in found] == ["dragoman int8 avx2", "dragoman int8 generic", "ctranslate2 int8 avx2"]
    names = [one.name for one in WORKLOADS["b"].with_targets(("avx2",)).contenders]
    assert names == ["dragoman int8 avx2", "bergamot int8", "fxtranslate int8"]


def test_energy_is_that_of_all_packages(tmp_path: Path) -> None:
    def write(package: str, used: int) -> None:
        folder = tmp_path / package
        folder.mkdir(exist_ok=True)
        (folder / "energy_uj").write_text(f"{used}\n")
        (folder / "max_energy_range_uj").write_text("10000000\n")

    assert energy_counters(tmp_path) == {} and joules({}, {}) is None
    for package, used in (("intel-rapl:0", 1_000_000), ("intel-rapl:1", 9_500_000), ("intel-rapl:0:0", 5)):
        write(package, used)
    before = energy_counters(tmp_path)
    write("intel-rapl:0", 3_000_000)
    write("intel-rapl:1", 500_000)  # it wrapped around
    assert joules(before, energy_counters(tmp_path)) == pytest.approx(2.0 + 1.0)
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    assert joules(before, energy_counters(tmp_path)) is None


def test_agreement_counts_equal_lines_of_recorded_commands(tmp_path: Path) -> None:
    """Of commands as they were recorded beside models; a line that was changed is missed, other kinds are left out."""
    import agreement

    (demo,) = find_route("en", "de")
    for name in ("model.bin", "vocab.spm"):
        shutil.copyfile(demo / name, tmp_path / name)
    (tmp_path / "in.txt").write_text("\n".join(SENTENCES) + "\n")
    with dragoman.Translator(dragoman.load(demo, shortlist="none")) as translator:
        found = [one.text for one in translator.translate(SENTENCES, split="none", normalize=1.0, beam_size=1)]
    (tmp_path / "out.txt").write_text("\n".join([*found[:2], "etwas anderes"]) + "\n")
    common = "marian-decoder -m model.bin -v vocab.spm vocab.spm -b 1 --normalize 1 --mini-batch 32 -i in.txt"
    (tmp_path / "COMMANDS.txt").write_text(
        f"{common} --gemm-precision int8shiftAlphaAll -o out.txt\n{common} --alignment hard -o align.txt\n"
        f"{common} --shortlist lex.bin false -o list.txt\nmarian-conv -f a -t b\n{common} -o missing.txt\n"
    )
    assert len(agreement.recorded(tmp_path)) == 1
    (result,) = agreement.measure(tmp_path, "browsermt")
    assert (result.file, result.precision, result.lines, result.equal) == ("out.txt", "int8", 3, 2)
