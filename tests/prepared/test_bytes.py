"""Models of bytes, and vocabularies that are shared."""

from __future__ import annotations

import gc
import pickle
import weakref
from pathlib import Path

import pytest
from prepared_tools import answers

from dragoman import ModelError, ModelFiles, ModelFormatError, load
from dragoman.formats.vocabulary import read_vocabulary
from dragoman.model import stored_options
from dragoman.text.vocabularies import read_pair, shared_vocabulary


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_model_of_bytes(folder: Path, cache: Path, kind: type) -> None:
    expected = load(folder)
    spm = kind((folder / "vocab.spm").read_bytes())
    model = load(ModelFiles(kind((folder / "model.npz").read_bytes()), spm))
    assert answers(model) == answers(expected)
    assert not model.file_backed
    assert model.vocabularies[0] is model.vocabularies[1] is expected.vocabularies[0]
    assert stored_options(model) == stored_options(expected)
    assert len(list(cache.iterdir())) == 1  # of the other
    with pytest.raises(ModelError, match="bytes"):
        pickle.dumps(model)


def test_the_bytes_are_not_kept(folder: Path) -> None:
    contents = bytearray((folder / "model.npz").read_bytes())
    model = load(ModelFiles(contents, str(folder / "vocab.spm")))
    contents.clear()  # BufferError if anything still looks at them
    assert answers(model) == answers(load(folder))


def test_real_bytes(shared: Path) -> None:
    """int8 model, shared vocabulary, binary and text shortlists."""
    folder = shared / "models" / "ende-tiny-ssru"
    (spm,) = folder.glob("*.spm")
    model, vocabulary = (folder / "model.intgemm.alphas.bin").read_bytes(), spm.read_bytes()
    for lists in ("lex.50.50.s2t.bin", "lex.50.50.s2t"):
        made = load(ModelFiles(model, (vocabulary, vocabulary), (folder / lists).read_bytes()))
        named = load(ModelFiles(folder / "model.intgemm.alphas.bin", spm, folder / lists))
        assert answers(made) == answers(named)
        assert made.shortlist is not None and named.shortlist is not None


@pytest.mark.parametrize("size", [0, 1, 100, 5000])
def test_damaged_bytes(folder: Path, size: int) -> None:
    with pytest.raises(ModelFormatError, match="bytes"):
        load(ModelFiles((folder / "model.npz").read_bytes()[:size], folder / "vocab.spm"))
    with pytest.raises(ModelFormatError, match="bytes"):
        load(ModelFiles(folder / "model.npz", (folder / "vocab.spm").read_bytes()[: size % 600]))


@pytest.mark.parametrize(
    "text", ["</s>\n<unk>\nab\n", '{"</s>": 0, "<unk>": 1, "ab": 2}', "</s>: 0\n<unk>: 1\nab: 2\n"]
)
def test_text_vocabularies_of_bytes(text: str) -> None:
    from dragoman.formats.bundle import _file

    path = _file(text.encode(), "source")
    assert read_vocabulary(path).id_of("ab") == 2
    assert not (path.parent / "source.spm").is_file() and not path.with_name("x").exists()


def test_a_model_of_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "".join(f"{word}\n" for word in ["</s>", "<unk>", *(f"w{number}" for number in range(62))])
    made = load(ModelFiles((folder / "model.npz").read_bytes(), words.encode()))
    (folder / "vocab.txt").write_text(words)
    assert answers(made) == answers(load(ModelFiles(folder / "model.npz", folder / "vocab.txt")))
    assert made.pieces.words


def test_equal_vocabularies_are_one_object(tmp_path: Path, spm_bytes: bytes) -> None:
    for name in ("a.spm", "b.spm"):
        (tmp_path / name).write_bytes(spm_bytes)
    (tmp_path / "c.txt").write_text("</s>\n<unk>\nab\n")
    (tmp_path / "d.yml").write_text("</s>: 0\n<unk>: 1\nab: 2\n")
    first, second = read_pair(tmp_path / "a.spm", tmp_path / "b.spm")
    assert first is second is shared_vocabulary(tmp_path / "a.spm")
    words = shared_vocabulary(tmp_path / "c.txt")
    assert words is shared_vocabulary(tmp_path / "d.yml")


def test_a_vocabulary_goes_with_its_last_model(folder: Path) -> None:
    model = load(folder)
    gone = weakref.ref(model.vocabularies[0]), weakref.ref(model.vocabularies[0].processor)
    other = load(folder, precision="int8")
    del model
    assert gone[0]() is other.vocabularies[0]
    gc.disable()
    try:
        del other
        assert gone[0]() is None and gone[1]() is None
    finally:
        gc.enable()
