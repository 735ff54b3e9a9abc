"""Recognising models in folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from dragoman.errors import ModelFormatError, ModelNotFoundError, OptionsError, UnsupportedModelError
from dragoman.formats.bundle import Bundle, ModelFiles, find_bundle
from dragoman.formats.marian_bin_write import write_bin
from dragoman.formats.npz import write_npz
from dragoman.formats.parameters import ParameterFile
from dragoman.formats.quantize import quantize

Maker = Callable[..., ParameterFile]
Filler = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, make_float_model: Maker) -> Filler:
    """Fills a folder: models where the suffix says so, else files with their name as text."""

    def fill(*names: str, **texts: str) -> Path:
        model = make_float_model()
        for name in names:
            path = tmp_path / name
            if name.endswith(".npz"):
                write_npz(model, path)
            elif "int8" in name or ("intgemm" in name and name.endswith(".bin")):
                write_bin(quantize(model), path)
            elif name.endswith(".bin") and not name.startswith("lex"):
                write_bin(model, path)
            else:
                path.write_text(name)
        for name, text in texts.items():
            (tmp_path / f"{name}.yml").write_text(text)
        return tmp_path

    return fill


def config(model: str, source: str = "vocab.spm", target: str | None = None, extra: str = "") -> str:
    return f"relative-paths: true\nmodels: [{model}]\nvocabs: [{source}, {target or source}]\n{extra}"


def names(bundle: Bundle) -> tuple[str, str, str, str | None]:
    source, target = bundle.vocabularies
    shortlist = bundle.shortlist.name if bundle.shortlist else None
    return bundle.model.name, source.name, target.name, shortlist


def test_firefox_with_one_vocabulary(folder: Filler) -> None:
    where = folder(
        "model.ende.intgemm.alphas.bin", "lex.50.50.ende.s2t.bin", "vocab.ende.spm", "metadata.json"
    )
    bundle = find_bundle(where)
    assert names(bundle) == (
        "model.ende.intgemm.alphas.bin",
        "vocab.ende.spm",
        "vocab.ende.spm",
        "lex.50.50.ende.s2t.bin",
    )
    assert (bundle.kind, bundle.config, bundle.source_spm) == ("firefox", None, None)


def test_firefox_with_two_vocabularies_and_no_shortlist(folder: Filler) -> None:
    bundle = find_bundle(folder("model.enja.intgemm.alphas.bin", "srcvocab.enja.spm", "trgvocab.enja.spm"))
    assert names(bundle)[1:] == ("srcvocab.enja.spm", "trgvocab.enja.spm", None)
    assert bundle.kind == "firefox"


def test_opus_mt(folder: Filler) -> None:
    where = folder(
        "opus.npz", "opus.vocab.yml", "source.spm", "target.spm", decoder=config("opus.npz", "opus.vocab.yml")
    )
    bundle = find_bundle(where)
    assert bundle.kind == "opus-mt"
    assert (bundle.source_spm, bundle.target_spm) == (where / "source.spm", where / "target.spm")
    assert bundle.config is not None
    (where / "decoder.yml").unlink()
    assert names(find_bundle(where))[:2] == ("opus.npz", "opus.vocab.yml")


def test_precision_chooses_among_configurations(folder: Filler) -> None:
    where = folder(
        "model.npz",
        "model.int8.bin",
        "vocab.spm",
        "lex.s2t.bin",
        decoder=config("model.npz"),
        config_int8=config("model.int8.bin", extra="shortlist: [lex.s2t.bin, false]"),
        training="model: model.npz\nvocabs: [vocab.spm, vocab.spm]",
        broken="a: [",
    )
    assert names(find_bundle(where)) == ("model.int8.bin", "vocab.spm", "vocab.spm", "lex.s2t.bin")
    assert names(find_bundle(where, precision="float32")) == ("model.npz", "vocab.spm", "vocab.spm", None)
    assert find_bundle(where / "model.npz").model.name == "model.npz"
    assert find_bundle(where / "decoder.yml", precision="int8").model.name == "model.npz"
    with pytest.raises(ModelNotFoundError, match="no int16 model, only float32, int8"):
        find_bundle(where, precision="int16")
    with pytest.raises(OptionsError, match="precision"):
        find_bundle(where, precision="int4")  # type: ignore[arg-type]


def test_unconfigured_int8_beside_a_configured_float_model(folder: Filler) -> None:
    where = folder(
        "model.npz",
        "model.int8.bin",
        "vocab.a.spm",
        "vocab.b.spm",
        decoder=config("model.npz", "vocab.a.spm"),
    )
    bundle = find_bundle(where)
    assert names(bundle)[:2] == ("model.int8.bin", "vocab.a.spm")
    assert bundle.config is not None


def test_precision_is_read_from_the_file_not_its_name(folder: Filler) -> None:
    where = folder("model.npz", "model.bin", "vocab.spm", decoder=config("model.bin"))
    assert find_bundle(where).model.name == "model.bin", "both are float32; the configuration names this one"


@pytest.mark.parametrize("spelling", [str, Path])
def test_explicit_files(folder: Filler, spelling: Callable[[Path], str | Path]) -> None:
    where = folder("x.npz", "a.spm", "b.spm", "lex.50.50.s2t")
    pair = (spelling(where / "a.spm"), spelling(where / "b.spm"))
    bundle = find_bundle(ModelFiles(spelling(where / "x.npz"), pair, spelling(where / "lex.50.50.s2t")))
    assert names(bundle) == ("x.npz", "a.spm", "b.spm", "lex.50.50.s2t")
    assert bundle.kind == "files"
    assert bundle.shortlist_options is not None and bundle.shortlist_options.sizes == (50, 50)
    one = find_bundle(ModelFiles(model=where / "x.npz", vocabularies=spelling(where / "a.spm")))
    assert names(one) == ("x.npz", "a.spm", "a.spm", None)
    with pytest.raises(ModelNotFoundError, match=r"c\.spm"):
        find_bundle(ModelFiles(where / "x.npz", where / "c.spm"))


def test_ambiguity_lists_what_is_there(folder: Filler) -> None:
    where = folder("a.npz", "b.npz", "vocab.spm")
    with pytest.raises(ModelNotFoundError, match="several models") as caught:
        find_bundle(where)
    assert caught.value.found == ("a.npz", "b.npz", "vocab.spm")
    assert find_bundle(where / "b.npz").model.name == "b.npz"
    (where / "b.npz").unlink()
    (where / "vocab.cs.spm").touch()
    with pytest.raises(ModelNotFoundError, match="several vocabularies"):
        find_bundle(where)


def test_of_two_students_the_one_with_alphas(folder: Filler) -> None:
    where = folder(
        "model.intgemm.bin",
        "model.intgemm.alphas.bin",
        "vocab.spm",
        config_int8=config("model.intgemm.bin"),
        config_alpha=config("model.intgemm.alphas.bin"),
    )
    assert find_bundle(where).model.name == "model.intgemm.alphas.bin"


def test_ensembles_and_several_sources_are_not_silently_cut_down(folder: Filler) -> None:
    where = folder("a.npz", "b.npz", "vocab.spm", both=config("a.npz, b.npz"))
    with pytest.raises(UnsupportedModelError, match=r"models = \['a.npz', 'b.npz'\]"):
        find_bundle(where / "both.yml")
    assert find_bundle(where / "b.npz").model.name == "b.npz"
    (where / "three.yml").write_text(config("a.npz", "vocab.spm, vocab.spm"))
    with pytest.raises(UnsupportedModelError, match="vocabs"):
        find_bundle(where / "three.yml")


def test_several_configurations(folder: Filler) -> None:
    where = folder("a.npz", "vocab.spm", beam4=config("a.npz"), beam1=config("a.npz"))
    with pytest.raises(ModelNotFoundError, match="several configurations"):
        find_bundle(where)
    (where / "decoder.yml").write_text(config("a.npz"))
    found = find_bundle(where).config
    assert found is not None and found.path.name == "decoder.yml"


def test_missing_and_compressed_files(folder: Filler, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no such file or folder"):
        find_bundle(tmp_path / "absent")
    with pytest.raises(ModelNotFoundError, match="no model"):
        find_bundle(folder("notes.txt"))
    with pytest.raises(ModelNotFoundError, match="unpack them first"):
        find_bundle(folder("model.ende.intgemm.alphas.bin.xz", "vocab.ende.spm.bz2"))
    with pytest.raises(ModelNotFoundError, match="vocabulary is compressed"):
        find_bundle(folder("model.npz"))
    folder("vocab.x.spm", decoder=config("other.npz", "vocab.x.spm"))
    (tmp_path / "other.npz.xz").touch()
    with pytest.raises(ModelNotFoundError, match=r"only other\.npz\.xz: unpack it first"):
        find_bundle(tmp_path / "decoder.yml")


def test_a_wrong_configuration_is_not_passed_over(folder: Filler) -> None:
    with pytest.raises(ModelFormatError, match="beam-size"):
        find_bundle(folder("a.npz", "vocab.spm", decoder=config("a.npz", extra="beam-size: x")))


def test_real_folders(shared: Path) -> None:
    for path in sorted((shared / "models").iterdir()):
        choices: tuple[Literal["auto", "float32"], ...] = ("auto", "float32")
        for precision in choices:
            bundle = find_bundle(path, precision=precision)
            int8 = precision == "auto" and path.name.endswith("tiny-ssru")
            assert bundle.model.name == ("model.intgemm.alphas.bin" if int8 else "model.npz")
            assert (bundle.shortlist is not None) == int8
    untied = find_bundle(shared / "models/csen-untied")
    assert [vocabulary.name for vocabulary in untied.vocabularies] == ["vocab.cs.spm", "vocab.en.spm"]
