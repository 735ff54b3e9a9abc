"""Folders as Firefox, Bergamot and trainings leave them: which files are one model, and its languages."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from random_models import FAMILIES, make_model, save_model

import dragoman
from dragoman.catalogue.catalogue import read_directory
from dragoman.formats.bundle import find_bundle
from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.parameters import Parameter, freeze
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_binary import write_binary_shortlist

zstd = pytest.importorskip("backports.zstd")
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda data: bytes(zstd.compress(data)),
}


def firefox(folder: Path, pair: str, spm: bytes, *, pack: str = "", seed: int = 0) -> None:
    """A model under Firefox's names, every file packed."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    options, arrays = make_model(FAMILIES["ssru"], 64, seed)
    parameters = {name: Parameter(name, array.shape, array) for name, array in arrays.items()}
    model, lists = folder / f"model.{pair}.intgemm.alphas.bin", folder / f"lex.50.50.{pair}.s2t.bin"
    write_bin(freeze(Path("m"), parameters, options, {}), model)
    ids = np.tile(np.arange(20, 30, dtype=np.uint32), 64)
    write_binary_shortlist(Shortlist(8, 10, np.arange(0, 641, 10), ids), lists)
    (folder / f"vocab.{pair}.spm").write_bytes(spm)
    for path in (model, lists, folder / f"vocab.{pair}.spm"):
        data = path.read_bytes()
        path.unlink()
        path.with_name(path.name + pack).write_bytes(PACK[pack](data))


def text_of(path: Path) -> str:
    with dragoman.Translator(dragoman.load(path)) as translator:
        return translator.translate("abc de fghi").text


@pytest.mark.parametrize("pack", PACK)
def test_packed_firefox_folders(pack: str, tmp_path: Path, spm_bytes: bytes) -> None:
    firefox(tmp_path / "plain", "ende", spm_bytes)
    firefox(tmp_path / "packed", "ende", spm_bytes, pack=pack)
    bundle = find_bundle(tmp_path / "packed")
    assert bundle.kind == "firefox" and bundle.languages() == ("en", "de")
    assert bundle.shortlist is not None and bundle.shortlist.name == f"lex.50.50.ende.s2t.bin{pack}"
    model = dragoman.load(tmp_path / "packed")
    assert model.shortlist is not None and model.defaults.max_length_factor == 2.0
    assert text_of(tmp_path / "packed") == text_of(tmp_path / "plain")
    if pack:  # a half unpacked folder
        (tmp_path / "packed" / "vocab.ende.spm").write_bytes(spm_bytes)
        assert find_bundle(tmp_path / "packed").vocabularies[0].suffix == ".spm"


@pytest.mark.parametrize("pack", [".gz", ".zst"])
def test_packed_files_in_a_decoder_yml(pack: str, tmp_path: Path, spm_bytes: bytes) -> None:
    """Named as they are, or as they were before somebody packed them."""
    firefox(tmp_path, "ende", spm_bytes, pack=pack)
    expected = text_of(tmp_path)
    for suffix in (pack, ""):
        (tmp_path / "x.yml").write_text(
            f"relative-paths: true\nmodels: [model.ende.intgemm.alphas.bin{suffix}]\nmax-length-factor: 2\n"
            f"vocabs: [vocab.ende.spm{suffix}, vocab.ende.spm{suffix}]\n"
            f"shortlist: [lex.50.50.ende.s2t.bin{suffix}, false]\nnormalize: 1\nmax-length-break: 128\n"
        )
        assert text_of(tmp_path / "x.yml") == expected


@pytest.mark.parametrize("pack", PACK)
def test_text_lists_and_vocabularies(pack: str, tmp_path: Path) -> None:
    options, arrays = make_model(FAMILIES["ssru"], 64)
    save_model(tmp_path / "model.npz", options, arrays)
    words = ["</s>", "<unk>", *(f"w{number}" for number in range(2, 64))]
    lines = "".join(f"w{number} w{number // 2 + 2} 0.5\n" for number in range(2, 64))
    for name, text in (
        ("vocab.yml", "".join(f'"{word}": {number}\n' for number, word in enumerate(words))),
        ("vocab.json", json.dumps({word: number for number, word in enumerate(words)})),
        ("vocab.txt", "\n".join(words)),
    ):
        (tmp_path / "lex.txt").write_text(lines)
        (tmp_path / name).write_text(text)
        files = dragoman.ModelFiles(tmp_path / "model.npz", tmp_path / name, tmp_path / "lex.txt")
        expected = dragoman.Translator(dragoman.load(files)).translate("w3 w4 w5").text
        for file in (name, "lex.txt"):
            (tmp_path / f"{file}{pack}").write_bytes(PACK[pack]((tmp_path / file).read_bytes()))
        packed = dragoman.ModelFiles(tmp_path / "model.npz", tmp_path / f"{name}{pack}", tmp_path / f"lex.txt{pack}")
        assert dragoman.Translator(dragoman.load(packed)).translate("w3 w4 w5").text == expected


def test_a_nested_folder(tmp_path: Path, spm_bytes: bytes) -> None:
    firefox(tmp_path / "ende" / "tiny", "ende", spm_bytes)
    assert find_bundle(tmp_path / "ende").model.parent.name == "tiny"
    firefox(tmp_path / "ende" / "base", "ende", spm_bytes)
    with pytest.raises(dragoman.ModelNotFoundError, match=r"several folders \(base, tiny\)"):
        find_bundle(tmp_path / "ende")


def test_many_pairs_in_one_folder(tmp_path: Path, spm_bytes: bytes) -> None:
    for seed, pair in enumerate(("ende", "deen", "enzh_hant")):
        firefox(tmp_path / "alone" / pair, pair, spm_bytes, seed=seed)
        firefox(tmp_path / "flat", pair, spm_bytes, seed=seed)
    with pytest.raises(dragoman.ModelNotFoundError, match="several models"):
        find_bundle(tmp_path / "flat")
    for pair in ("ende", "deen", "enzh_hant"):
        file = tmp_path / "flat" / f"model.{pair}.intgemm.alphas.bin"
        bundle = find_bundle(file)
        assert all(f".{pair}." in path.name for path in (*bundle.vocabularies, bundle.shortlist) if path)
        assert text_of(file) == text_of(tmp_path / "alone" / pair)
    for where in (tmp_path / "flat", tmp_path / "alone"):
        catalogue = read_directory(where)
        assert {model.name: model.languages for model in catalogue.models} == {
            "ende": ("en", "de"), "deen": ("de", "en"), "enzh_hant": ("en", "zh-Hant")
        }  # fmt: skip


@pytest.mark.parametrize("way", ["{kind}/{pair}", "{pair}/{kind}", "firefox/models/{pair}", "{pair}"])
def test_nested_fleets(way: str, tmp_path: Path, spm_bytes: bytes) -> None:
    for pair in ("ende", "deen"):
        firefox(tmp_path / way.format(kind="tiny", pair=pair), pair, spm_bytes)
    (tmp_path / "notes" / "deep").mkdir(parents=True)
    with dragoman.Fleet.from_directory(tmp_path) as fleet, dragoman.Service(fleet, workers=1) as service:
        assert fleet.names() == ("deen", "ende")
        assert service.translate("abc", route=("en", "de")).text


def test_the_same_pair_twice_is_named_by_its_way(tmp_path: Path, spm_bytes: bytes) -> None:
    for kind in ("tiny", "base"):
        firefox(tmp_path / kind / "ende", "ende", spm_bytes)
    firefox(tmp_path / "tiny" / "enfr", "enfr", spm_bytes)
    found = read_directory(tmp_path).models
    assert [(model.name, model.languages) for model in found] == [
        ("base/ende", ("en", "de")), ("enfr", ("en", "fr")), ("tiny/ende", ("en", "de"))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"src": "English", "trg": "German", "shortName": "en-de-tiny"}, ("en", "de")),
        ({"srcTags": {"cs": "Czech"}, "trgTag": "en", "src": "x", "trg": "y"}, ("cs", "en")),
        ({"src": "?", "trg": "?", "shortName": "nb-en-tiny11"}, ("nb", "en")),
        ({"src": 3, "trg": None}, None),
        ([1], None),
    ],
)
def test_bergamots_model_info(info: object, expected: tuple[str, str] | None, tmp_path: Path, spm_bytes: bytes) -> None:
    """Before the folder's name, which may say nothing, or look like two languages."""
    folder = tmp_path / "html"
    firefox(folder, "student", spm_bytes)
    (folder / "model_info.json").write_text(json.dumps(info))
    assert find_bundle(folder).languages() == expected
    assert [model.languages for model in read_directory(tmp_path).models] == [expected]


@pytest.mark.parametrize("name", ["html", "data", "main", "models", "best"])
def test_a_folders_name_must_be_two_languages(name: str, tmp_path: Path, spm_bytes: bytes) -> None:
    folder = tmp_path / name
    folder.mkdir()
    options, arrays = make_model(FAMILIES["ssru"], 64)
    save_model(folder / "model.npz", options, arrays)
    (folder / "vocab.spm").write_bytes(spm_bytes)
    assert find_bundle(folder).languages() is None
    (folder / "vocab.spm").rename(folder / "vocab.cs.spm")
    shutil.copy(folder / "vocab.cs.spm", folder / "vocab.en.spm")
    (folder / "decoder.yml").write_text(
        "relative-paths: true\nmodels: [model.npz]\nvocabs: [vocab.cs.spm, vocab.en.spm]\n"
    )
    assert find_bundle(folder).languages() == ("cs", "en")


def test_a_training_folder_that_was_moved(tmp_path: Path, spm_bytes: bytes) -> None:
    """Absolute paths of another machine, checkpoints, the best ones, progress: model.npz is the model."""
    options, arrays = make_model(FAMILIES["ssru"], 64)
    for name in ("model.npz", "model.iter1000.npz", "model.npz.best-chrf.npz", "model.npz.optimizer.npz"):
        save_model(tmp_path / name, options, arrays)
    (tmp_path / "vocab.spm").write_bytes(spm_bytes)

    def decoder(name: str, beam: int) -> None:
        (tmp_path / f"{name}.decoder.yml").write_text(
            f"models:\n  - /home/old/run/{name}\nvocabs:\n  - /home/old/run/vocab.spm\n  - /home/old/run/vocab.spm\n"
            f"beam-size: {beam}\nnormalize: 1\nword-penalty: 0\nmini-batch: 1\nmaxi-batch: 1\nrelative-paths: false\n"
        )

    decoder("model.npz", 6)
    decoder("model.npz.best-chrf.npz", 7)
    decoder("model.iter1000.npz", 8)
    (tmp_path / "model.npz.yml").write_text("model: /home/old/run/model.npz\ntype: transformer\nafter-epochs: 3\n")
    (tmp_path / "model.npz.progress.yml").write_text("seed: 1\nepochs: 3\n")
    for where, beam in ((tmp_path, 6), (tmp_path / "model.npz", 6), (tmp_path / "model.npz.best-chrf.npz", 7)):
        bundle = find_bundle(where)
        assert bundle.config is not None and bundle.config.beam_size == beam
        assert bundle.vocabularies == (tmp_path / "vocab.spm",) * 2
    assert dragoman.load(tmp_path / "model.iter1000.npz.decoder.yml").defaults.beam_size == 8
    assert dragoman.load(tmp_path).defaults.beam_size == 6


@pytest.mark.parametrize("name", ["/", "x" * 5000, "a\\0b", "..", "nul:\\x07"])
def test_paths_that_no_file_can_have(name: str, tmp_path: Path, spm_bytes: bytes) -> None:
    firefox(tmp_path, "ende", spm_bytes)
    model = "relative-paths: true\nmodels: [model.ende.intgemm.alphas.bin]\n"
    for text in (
        f'models: ["{name}"]\nvocabs: [vocab.ende.spm]\n',
        f'{model}vocabs: ["{name}"]\n',
        f'{model}vocabs: [vocab.ende.spm]\nshortlist: ["{name}", false]\n',
        f"models: [a]\nvocabs: [b]\nbeam-size: {'9' * 10_000}\n",
        f"models: [a]\nvocabs: [b]\nbeam-size: [{'9' * 10_000}, [1]]\n",
        f"models: [a]\nvocabs: [b]\nnormalize: {'9' * 10_000}\nweights: [1e999]\n",
    ):
        (tmp_path / "decoder.yml").write_text(text)
        with pytest.raises(dragoman.ModelError):
            dragoman.load(tmp_path / "decoder.yml")
