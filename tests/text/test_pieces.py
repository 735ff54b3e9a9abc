"""Text to ids and back, by all sorts of vocabularies, whatever the text."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.errors import ModelFormatError
from dragoman.formats.bundle import Bundle, ModelFiles, find_bundle
from dragoman.formats.vocabulary import SentencePieceVocabulary, plain_vocabulary, read_vocabulary
from dragoman.text.pieces import Pieces, clean

WORDS = ["</s>", "<unk>", "a", "b", "c", ">>fr<<", "\u2581d", "e", "\u2581", "f"]
NASTY = [
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "x\udfffy",
    "\ud83d\ude00",
    "a\r\nb",
    "\u2028",
    "\ufeff",
    "\u202eabc",
]


def files(spm: Path | None = None) -> Bundle:
    none = Path("none")
    return Bundle(none, (none, none), None, None, None, spm, spm, "files")


@pytest.fixture(scope="module")
def spm_path(spm_bytes: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spm") / "vocab.spm"
    path.write_bytes(spm_bytes)
    return path


@pytest.fixture(scope="module")
def by_spm(spm_path: Path) -> Pieces:
    vocabulary = read_vocabulary(spm_path)
    return Pieces.of_model(files(), vocabulary, vocabulary)


@pytest.fixture(scope="module")
def by_words() -> Pieces:
    vocabulary = plain_vocabulary({word: id_ for id_, word in enumerate(WORDS)}, Path("vocab.yml"))
    return Pieces.of_model(files(), vocabulary, vocabulary)


@pytest.fixture(scope="module")
def by_opus(spm_path: Path) -> Pieces:
    """Ids that are not the SentencePiece model's, as in OPUS-MT."""
    spm = read_vocabulary(spm_path)
    names = [spm.piece_of(id_) for id_ in range(spm.size)] + [">>fr<<"]
    random.Random(1).shuffle(names)
    vocabulary = plain_vocabulary({name: id_ for id_, name in enumerate(names)}, Path("vocab.yml"))
    return Pieces.of_model(files(spm_path), vocabulary, vocabulary)


def round_trip(pieces: Pieces, text: str) -> str:
    (ids,) = pieces.encode([text])
    return pieces.decode([[*ids, pieces.target.eos_id]])[0]


def test_sentencepiece_ids_are_the_models_own(by_spm: Pieces) -> None:
    assert isinstance(by_spm.source, SentencePieceVocabulary)
    texts = ["abc deg", "", "  ", "fab"]
    assert by_spm.encode(texts) == [by_spm.source.processor.encode(text) for text in texts]
    assert by_spm.encode(texts)[1:3] == [[], []]
    (ids,) = by_spm.encode(["abc"])
    assert "".join(by_spm.source_tokens(ids)) == "\u2581abc"
    assert by_spm.finish(ids) == [*ids, by_spm.source.eos_id]
    assert by_spm.target_tokens(by_spm.finish(ids))[-1] == "</s>"
    assert by_spm.encode([]) == [] and by_spm.decode([]) == [] and by_spm.source_tokens([]) == ()


@given(st.lists(st.text(alphabet="abcdefghi", min_size=1, max_size=8), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_known_text_survives(by_spm: Pieces, by_opus: Pieces, words: list[str]) -> None:
    text = " ".join(words)
    assert round_trip(by_spm, text) == text
    assert round_trip(by_opus, text) == text


def test_words_between_spaces(by_words: Pieces) -> None:
    assert by_words.encode(["a  b zz\nc", " ", "a\tb"]) == [[2, 3, 1, 4], [], [1]]
    assert by_words.decode([[2, 3, 0], [0], [4, 999]]) == ["a b", "", "c"]
    assert by_words.words


def test_opus_pieces_have_the_vocabularys_ids(by_opus: Pieces) -> None:
    plain, marked, unknown, late = by_opus.encode(["abc fed", ">>fr<< abc fed", ">>xx<< abc", "abc >>fr<<"])
    assert marked == [by_opus.source.id_of(">>fr<<"), *plain]
    assert by_opus.source_tokens(plain)[0].startswith("\u2581")
    assert by_opus.source.id_of(">>fr<<") not in unknown + late
    assert by_opus.encode([">>fr<<"]) == [[by_opus.source.id_of(">>fr<<")]]
    assert not by_opus.words


def test_a_damaged_sentencepiece_model_is_named(by_words: Pieces, tmp_path: Path) -> None:
    path = tmp_path / "source.spm"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelFormatError) as caught:
        Pieces.of_model(files(path), by_words.source, by_words.target)
    assert caught.value.path == path


def test_backwards(spm_path: Path, by_spm: Pieces) -> None:
    vocabulary = read_vocabulary(spm_path)
    backwards = Pieces.of_model(files(), vocabulary, vocabulary, right_to_left=True)
    (ids,) = backwards.encode(["abc def"])
    assert backwards.finish(ids) == [*reversed(ids), vocabulary.eos_id]
    assert backwards.decode([backwards.finish(ids), list(reversed(ids))]) == ["abc def", "abc def"]


def test_ids_beyond_the_vocabulary_mean_nothing(by_spm: Pieces, by_words: Pieces) -> None:
    size = by_spm.target.size
    (ids,) = by_spm.encode(["abc"])
    assert by_spm.decode([ids, [*ids, size, size + 7]]) == ["abc", "abc"]
    assert by_spm.target_tokens([size, *ids])[0] == ""
    assert by_words.target_tokens([999, 2]) == ("", "a")


def test_prefixes_are_the_targets_pieces(by_spm: Pieces, by_words: Pieces) -> None:
    assert by_spm.encode_prefixes(["abc", ""]) == by_spm.encode(["abc", ""])
    assert by_words.encode_prefixes(["b a"]) == [[3, 2]]


@pytest.mark.parametrize("text", NASTY)
def test_nasty_text(by_spm: Pieces, by_words: Pieces, by_opus: Pieces, text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    for pieces in (by_spm, by_words, by_opus):
        before, ids, after = pieces.encode(["abc", cleaned, "fed"])
        assert [before, after] == pieces.encode(["abc", "fed"])  # neighbours are unharmed
        pieces.decode([ids])[0].encode("utf-8")
        assert len(pieces.source_tokens(ids)) == len(ids)


@given(st.lists(st.text(st.characters(exclude_categories=[])), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(by_spm: Pieces, by_words: Pieces, by_opus: Pieces, texts: list[str]) -> None:
    cleaned = [clean(text) for text in texts]
    for pieces in (by_spm, by_words, by_opus):
        lists = pieces.encode(cleaned)
        assert lists == [pieces.encode([text])[0] for text in cleaned]
        assert all(0 <= id_ < pieces.source.size for ids in lists for id_ in ids)
        assert len(pieces.decode(lists)) == len(texts)


def test_clean() -> None:
    assert clean("a\ud800b") == "a\ufffdb"
    assert clean("\ud83d\ude00") == "\U0001f600"  # two halves that belong together
    assert clean("\u00e9\0") == "\u00e9\0"
    assert clean(b"\xff\xc3\xa9") == "\ufffd\u00e9"


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "ab cd " * 170_000, "\u4e00" * 1_000_000, "\0" * 1_000_000]
)
def test_a_million_characters(by_spm: Pieces, by_words: Pieces, text: str) -> None:
    for pieces in (by_spm, by_words):
        (ids,) = pieces.encode([text])
        assert ids


def test_real_vocabularies_round_trip(shared: Path) -> None:
    folder = shared / "models" / "ende-tiny-ssru"
    bundle = find_bundle(ModelFiles(folder / "model.npz", folder / "vocab.ende.spm"))
    vocabulary = read_vocabulary(bundle.vocabularies[0])
    pieces = Pieces.of_model(bundle, vocabulary, vocabulary)
    lines = (folder / "ref" / "test200.en").read_text(encoding="utf-8").split("\n")[:-1]
    assert pieces.decode([pieces.finish(ids) for ids in pieces.encode(lines)]) == [
        " ".join(line.split()) for line in lines
    ]
