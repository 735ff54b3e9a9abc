"""Damaged files: every one is read, or refused with a ModelError that says where. Nothing else may happen."""

from __future__ import annotations

import gzip
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutations import mutate

from dragoman.errors import ModelFormatError, UnsupportedModelError
from dragoman.formats.decoder_yml import read_decoder_config
from dragoman.formats.marian_bin import read_bin
from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.npz import read_npz, write_npz
from dragoman.formats.parameters import ParameterFile
from dragoman.formats.quantize import quantize
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_binary import read_binary_shortlist, write_binary_shortlist
from dragoman.formats.shortlist_text import read_text_shortlist
from dragoman.formats.vocabulary import plain_vocabulary, read_vocabulary
from dragoman.formats.vocabulary_text import write_vocabulary

Maker = Callable[..., ParameterFile]

QUICK, SLOW = 120, 10_000
IDS = {"</s>": 0, "<unk>": 1} | {f"\u2581word{number}": number + 2 for number in range(60)}
VOCABULARY = plain_vocabulary(IDS, Path("v"))


def use_model(read: Callable[[Path], ParameterFile]) -> Callable[[Path], Any]:
    return lambda path: [int(p.data.view(np.uint8).max()) for p in read(path).parameters.values()]


def use_shortlist(path: Path) -> None:
    lists = read_binary_shortlist(path, target_size=64, verify=False)
    lists.candidates(range(lists.source_size), shared_vocabulary=True, vocabulary_size=64)


def use_text_shortlist(path: Path) -> None:
    lists = read_text_shortlist(path, VOCABULARY, VOCABULARY, first=4, best=3)
    lists.candidates([0, 5], shared_vocabulary=True, vocabulary_size=64)


def use_vocabulary(path: Path) -> None:
    vocabulary = read_vocabulary(path)
    assert vocabulary.piece_of(vocabulary.eos_id) is not None


zstd = pytest.importorskip("backports.zstd")


def seeds(folder: Path, make: Maker) -> dict[str, tuple[Path, Callable[[Path], Any]]]:
    """A sound file of each format, and what to do with damaged ones."""
    model = make()
    write_npz(model, folder / "stored.npz")
    with (
        zipfile.ZipFile(folder / "stored.npz") as source,
        zipfile.ZipFile(folder / "deflated.npz", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, source.read(name))
    write_bin(model, folder / "float.bin")
    write_bin(quantize(model), folder / "int8.bin")
    write_bin(quantize(model, bits=16), folder / "int16.bin", numbering="upstream")
    lists = np.arange(0, 63, 3, dtype=np.uint32)
    write_binary_shortlist(Shortlist(4, 3, np.arange(0, 22, dtype=np.int64), lists), folder / "lex.bin")
    lines = [f"\u2581word{n} \u2581word{59 - n} 0.{n + 1}\n" for n in range(60)]
    (folder / "lex.txt").write_text("".join(lines), encoding="utf-8")
    for suffix in ("yml", "json", "txt"):
        write_vocabulary(IDS, folder / f"vocab.{suffix}")
    (folder / "decoder.yml").write_text(
        "relative-paths: true\nmodels: [m.npz]\nvocabs:\n  - a.spm\n  - b.spm\nshortlist: [lex, 50, 50]\n"
        "beam-size: 4\nnormalize: 0.6\nalignment: soft\ngemm-precision: int8shiftAlphaAll\nskip-cost: true\n"
    )
    for name in PACKED:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / f"{name}.zst").write_bytes(zstd.compress((folder / name).read_bytes()))
    uses: dict[str, Callable[[Path], Any]] = {
        "stored.npz": use_model(read_npz),
        "deflated.npz": use_model(read_npz),
        "float.bin": use_model(read_bin),
        "int8.bin": use_model(read_bin),
        "int16.bin": use_model(read_bin),
        "lex.bin": use_shortlist,
        "lex.txt": use_text_shortlist,
        "vocab.yml": use_vocabulary,
        "vocab.json": use_vocabulary,
        "vocab.txt": use_vocabulary,
        "decoder.yml": read_decoder_config,
    }
    for name in list(uses):
        uses |= {f"{name}{suffix}": uses[name] for suffix in (".gz", ".zst") if (folder / f"{name}{suffix}").exists()}
    return {name: (folder / name, use) for name, use in uses.items()}


PACKED = ("stored.npz", "int8.bin", "lex.bin", "lex.txt", "vocab.yml", "decoder.yml")
FILES = [
    "stored.npz",
    "deflated.npz",
    "float.bin",
    "int8.bin",
    "int16.bin",
    "lex.bin",
    "lex.txt",
    "vocab.yml",
    "vocab.json",
    "vocab.txt",
    "decoder.yml",
    *(f"{name}{suffix}" for name in PACKED for suffix in (".gz", ".zst")),
]


def attack(name: str, folder: Path, make: Maker, count: int) -> None:
    source, use = seeds(folder, make)[name]
    sound = source.read_bytes()
    use(source)
    target = folder / f"damaged-{name}"
    refused = 0
    for seed in range(count):
        target.write_bytes(mutate(sound, seed))
        try:
            use(target)
        except (ModelFormatError, UnsupportedModelError) as error:
            refused += 1
            assert str(target) in str(error), "the message names the file"
        except Exception as error:
            raise AssertionError(f"mutate({name!r}, seed={seed}) raised {error!r}") from error
    assert refused > count // 20, "the damage is felt"


@pytest.mark.parametrize("name", FILES)
def test_damaged_files(name: str, tmp_path: Path, make_float_model: Maker) -> None:
    attack(name, tmp_path, make_float_model, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_damaged_files_thoroughly(name: str, tmp_path: Path, make_float_model: Maker) -> None:
    attack(name, tmp_path, make_float_model, SLOW)


@pytest.mark.parametrize("name", ["stored.npz", "deflated.npz", "float.bin", "int8.bin", "lex.bin"])
def test_no_beginning_of_a_file_is_a_file(name: str, tmp_path: Path, make_float_model: Maker) -> None:
    source, use = seeds(tmp_path, make_float_model)[name]
    sound = source.read_bytes()
    target = tmp_path / "cut"
    for length in [*range(0, 64), *range(64, len(sound), 1 + len(sound) // 150), len(sound) - 1]:
        target.write_bytes(sound[:length])
        with pytest.raises((ModelFormatError, UnsupportedModelError)):
            use(target)


SPM_ATTACK = textwrap.dedent(
    """
    import pathlib, sys
    from dragoman.errors import ModelFormatError
    from dragoman.formats.vocabulary import read_vocabulary

    source, first, last = sys.argv[1], int(sys.argv[3]), int(sys.argv[4])
    sys.path.insert(0, sys.argv[2])
    from mutations import mutate

    sound = pathlib.Path(source).read_bytes()
    target = pathlib.Path(source).with_name("damaged.spm")
    progress = pathlib.Path(source).with_name("progress")
    text = "abc deh \\u00c9\\u00df\\uff21 \\u3000 \\ufb01 " + "".join(map(chr, range(32, 1200)))
    for seed in range(first, last):
        progress.write_text(str(seed))
        target.write_bytes(mutate(sound, seed))
        try:
            vocabulary = read_vocabulary(target)
        except ModelFormatError:
            continue
        ids = vocabulary.processor.encode(text)
        vocabulary.processor.decode([id_ for id_ in ids if id_ < vocabulary.size])
    """
)


def attack_sentencepiece(folder: Path, data: bytes, first: int, last: int) -> None:
    """In a process of its own: a defect of the C++ library would end it."""
    (folder / "sound.spm").write_bytes(data)
    arguments = [str(folder / "sound.spm"), str(Path(__file__).parent), str(first), str(last)]
    done = subprocess.run(
        [sys.executable, "-c", SPM_ATTACK, *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    seed = (folder / "progress").read_text()
    assert done.returncode == 0, f"seed {seed}, exit {done.returncode}: {done.stderr[-2000:]}"


def test_damaged_sentencepiece_models(tmp_path: Path, spm_bytes: bytes) -> None:
    attack_sentencepiece(tmp_path, spm_bytes, 0, 300)


@pytest.mark.slow
def test_damaged_sentencepiece_models_thoroughly(tmp_path: Path, spm_bytes: bytes) -> None:
    attack_sentencepiece(tmp_path, spm_bytes, 0, SLOW)


@pytest.mark.slow
def test_damaged_real_files(shared: Path, tmp_path: Path) -> None:
    folder = shared / "models/ende-tiny-ssru"
    target = tmp_path / "damaged.bin"
    for name, use, count in (
        ("model.intgemm.alphas.bin", use_model(read_bin), 300),
        ("lex.50.50.s2t.bin", lambda path: read_binary_shortlist(path, target_size=8000), 500),
    ):
        sound = (folder / name).read_bytes()
        for seed in range(count):
            target.write_bytes(mutate(sound, seed))
            try:
                use(target)
            except (ModelFormatError, UnsupportedModelError):
                continue
