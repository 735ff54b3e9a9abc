"""Vocabularies of all kinds."""

import json
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.errors import ModelFormatError, UnsupportedModelError
from dragoman.formats.vocabulary import PlainVocabulary, SentencePieceVocabulary, read_vocabulary
from dragoman.formats.vocabulary_text import MAX_ID, parse_yaml, write_vocabulary

SPECIAL = {"</s>": 0, "<unk>": 1}
PIECES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
    lambda piece: piece not in SPECIAL
)


def put(tmp_path: Path, name: str, text: str) -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    return tmp_path / name


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(PIECES, st.integers(2, MAX_ID)), st.sampled_from([".yml", ".yaml", ".json"]))
def test_maps_round_trip_any_pieces(tmp_path: Path, drawn: dict[str, int], suffix: str) -> None:
    by_id = {id_: piece for piece, id_ in drawn.items()}
    ids = SPECIAL | {piece: id_ for id_, piece in by_id.items()}
    write_vocabulary(ids, tmp_path / f"v{suffix}")
    vocabulary = read_vocabulary(tmp_path / f"v{suffix}")
    assert isinstance(vocabulary, PlainVocabulary)
    assert dict(vocabulary.ids) == ids
    assert vocabulary.size == max(ids.values()) + 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES.filter(lambda piece: piece and "\n" not in piece and piece[-1] != "\r"), unique=True))
def test_lines_round_trip(tmp_path: Path, pieces: list[str]) -> None:
    ids = SPECIAL | {piece: number + 2 for number, piece in enumerate(pieces)}
    write_vocabulary(ids, tmp_path / "v.txt")
    vocabulary = read_vocabulary(tmp_path / "v.txt")
    assert isinstance(vocabulary, PlainVocabulary)
    assert dict(vocabulary.ids) == ids


def test_pieces_stay_text(tmp_path: Path) -> None:
    words = [
        "1",
        "null",
        "~",
        "yes",
        "1.5",
        "2001-01-01",
        "<<",
        "0x10",
        "[a]",
        "&x",
        "*y",
        "!z",
        "- ",
        "🙂",
        "▁\u2028",
    ]
    ids = SPECIAL | {word: number + 2 for number, word in enumerate(words)}
    write_vocabulary(ids, tmp_path / "v.yml")
    assert read_vocabulary(tmp_path / "v.yml").id_of("null") == ids["null"]
    plain = put(tmp_path, "plain.yml", "</s>: 0\n<unk>: 1\n1: 2\nnull: 3\n~: 4\nyes: 5\n'': 6\n<<: 7\n")
    vocabulary = read_vocabulary(plain)
    assert [vocabulary.piece_of(id_) for id_ in range(2, 8)] == ["1", "null", "~", "yes", "", "<<"]


def test_gaps_unknown_pieces_and_limits(tmp_path: Path) -> None:
    vocabulary = read_vocabulary(put(tmp_path, "v.yml", '"x": 0\n"y": 1\n"</s>": 3\n"<unk>": 7\n"a": 5\n'))
    assert (vocabulary.size, vocabulary.eos_id, vocabulary.unk_id) == (8, 3, 7)
    assert vocabulary.id_of("a") == 5
    assert vocabulary.id_of("b") == 7
    assert vocabulary.piece_of(4) == ""
    assert "a" in vocabulary and "b" not in vocabulary
    for id_ in (-1, 8):
        with pytest.raises(IndexError):
            vocabulary.piece_of(id_)


def test_old_names_of_the_symbols_count_in_maps_only(tmp_path: Path) -> None:
    for text in ('{"eos": 0, "UNK": 1, "a": 2}', '{"": 0, "b": 2}', '{"a": 2}'):
        vocabulary = read_vocabulary(put(tmp_path, "v.json", text))
        assert (vocabulary.eos_id, vocabulary.unk_id, vocabulary.size) == (0, 1, 3)
    with pytest.raises(ModelFormatError, match="no piece </s>"):
        read_vocabulary(put(tmp_path, "v.txt", "eos\nUNK\na\n"))


def test_equal_pieces_are_equal_vocabularies(tmp_path: Path) -> None:
    ids = SPECIAL | {"a": 2, "b": 3}
    for name in ("v.yml", "v.json", "v.txt"):
        write_vocabulary(ids, tmp_path / name)
    first, second, third = (read_vocabulary(tmp_path / name) for name in ("v.yml", "v.json", "v.txt"))
    assert first == second == third
    assert len({first, second, third}) == 1
    assert pickle.loads(pickle.dumps(first)) == first
    assert pickle.loads(pickle.dumps(first)).piece_of(3) == "b"
    write_vocabulary(SPECIAL | {"a": 3, "b": 2}, tmp_path / "w.yml")
    assert read_vocabulary(tmp_path / "w.yml") != first


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("v.yml", "- a\n- b\n", "only pieces and ids"),
        ("v.yml", "just text", "not a mapping"),
        ("v.yml", "a: [", "only pieces and ids"),
        ("v.yml", "'a", "not valid YAML"),
        ("v.yml", "a: x\n", "not a number"),
        ("v.yml", "a: -1\n", "not a number"),
        ("v.yml", f"a: {MAX_ID + 1}\n", "not in 0"),
        ("v.yml", "a: 1.5\n", "not a number"),
        ("v.yml", "a: 99999999999999999999\n", "not a number"),
        ("v.yml", "a: &x 1\nb: *x\n", "not quoted"),
        ("v.yml", "a: 1\nb: *x\n", "only pieces and ids"),
        ("v.yml", "a: {b: 1}\n", "only pieces and ids"),
        ("v.yml", "? [a]\n: 1\n", "only pieces and ids"),
        ("v.yml", "a: 1\n---\nb: 2\n", "second YAML document"),
        ("v.yml", "# nothing\n", "is empty"),
        ("v.yml", "[" * 100_000, "only pieces and ids|not valid YAML"),
        ("v.json", "[" * 100_000, "nested too deeply|not valid JSON"),
        ("v.json", '{"a": "1"}', "not a number"),
        ("v.json", '{"a": true}', "not a number"),
        ("v.json", '{"a": {"b": 1}}', "not a number"),
        ("v.json", '[{"a": 1}]', "not a JSON object"),
        ("v.json", "null", "is empty"),
        ("v.json", '{"a": ' + "9" * 5000 + "}", "not valid JSON|not in 0"),
        ("v.json", '{"\\ud800": 0}', "surrogate"),
        ("v.txt", "</s>\n\n<unk>\n", "line is empty"),
        ("v.txt", "</s>\n<unk>\na\na\n", "twice"),
        ("v.txt", "a\n", "no piece </s>"),
    ],
)
def test_refuses(name: str, text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match=problem):
        read_vocabulary(put(tmp_path, name, text))


@pytest.mark.parametrize("name", ["v.fsv", "v.fm"])
def test_factored_vocabularies(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=name):
        read_vocabulary(tmp_path / name)


def test_binary_under_a_text_name_hints_at_spm(tmp_path: Path) -> None:
    (tmp_path / "v.model").write_bytes(b"\n\x0e\n\x04\xff\xfe")
    with pytest.raises(ModelFormatError, match=r"must end in \.spm"):
        read_vocabulary(tmp_path / "v.model")


def test_lines_hold_only_what_lines_can() -> None:
    for ids in ({"a": 1}, {"": 0}, {"a\nb": 0}):
        with pytest.raises(ValueError, match="cannot hold"):
            write_vocabulary(ids, Path("v.txt"))


def test_sixty_thousand_entries_read_fast(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    if not getattr(yaml, "__with_libyaml__", False):
        pytest.skip("PyYAML was built without libyaml")
    text = "".join(f'"\u2581piece{number}": {number}\n' for number in range(60_000))
    start = time.perf_counter()
    assert len(parse_yaml(text, tmp_path / "v.yml")) == 60_000
    assert time.perf_counter() - start < 10, "about 0.2 s on a quiet machine"


def test_sentencepiece(spm_bytes: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.spm").write_bytes(spm_bytes)
    vocabulary = read_vocabulary(tmp_path / "v.spm")
    assert isinstance(vocabulary, SentencePieceVocabulary)
    assert (vocabulary.size, vocabulary.eos_id, vocabulary.unk_id) == (64, 0, 1)
    assert vocabulary.piece_of(0) == "</s>"
    assert vocabulary.id_of("no such piece") == 1
    assert all(vocabulary.id_of(vocabulary.piece_of(id_)) == id_ for id_ in range(64))
    assert "a" in vocabulary and "no such piece" not in vocabulary
    assert vocabulary.proto == spm_bytes
    twin = pickle.loads(pickle.dumps(vocabulary))
    assert twin == vocabulary and twin.processor.encode("abc") == vocabulary.processor.encode("abc")
    with pytest.raises(IndexError):
        vocabulary.piece_of(64)


@pytest.mark.parametrize("data", [b"not a model at all", b"\n", b"\x0a\x03abc", bytes(100), b"\xff" * 50])
def test_sentencepiece_refuses(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.spm").write_bytes(data)
    with pytest.raises(ModelFormatError):
        read_vocabulary(tmp_path / "v.spm")


def test_real_vocabularies(shared: Path) -> None:
    found = sorted((shared / "models").glob("*/vocab.*"))
    assert found
    for path in found:
        vocabulary = read_vocabulary(path)
        assert (vocabulary.eos_id, vocabulary.unk_id) == (0, 1)
        assert vocabulary.piece_of(0) == "</s>"


def test_yml_and_spm_of_a_real_model_agree(shared: Path) -> None:
    folder = shared / "models/enfr-selfattn"
    plain, spm = read_vocabulary(folder / "vocab.enfr.yml"), read_vocabulary(folder / "vocab.enfr.spm")
    assert plain.size == spm.size
    assert all(plain.piece_of(id_) == spm.piece_of(id_) for id_ in range(plain.size))
    assert json.dumps(sorted(plain.ids)) if isinstance(plain, PlainVocabulary) else False


@pytest.mark.parametrize(
    ("text", "eos", "unk"),
    [
        ('{"eos": 0, "UNK": 1, "a": 2, "</s>": 3, "<unk>": 4}', 0, 1),
        ('{"a": 2, "</s>": 3, "<unk>": 4}', 0, 1),
        ('{"</s>": 0, "UNK": 1, "<unk>": 5}', 0, 1),
        ('{"x": 0, "UNK": 1, "</s>": 5, "<unk>": 6}', 5, 1),
        ('{"eos": 0, "y": 1, "</s>": 5, "<unk>": 6}', 0, 6),
        ('{"x": 0, "y": 1, "</s>": 5, "<unk>": 6}', 5, 6),
        ('{"UNK": 0, "eos": 1, "</s>": 2, "<unk>": 3}', 2, 3),
        ('{"</s>": 0, "": 1, "<unk>": 2}', 0, 1),
    ],
)
def test_the_symbols_as_marian_finds_them(text: str, eos: int, unk: int, tmp_path: Path) -> None:
    """Old names at their places go before the new names (pymarian 1.12.42 does the same on the first four)."""
    for name in ("v.json", "v.yml"):
        vocabulary = read_vocabulary(put(tmp_path, name, text))
        assert (vocabulary.eos_id, vocabulary.unk_id) == (eos, unk)
        assert vocabulary.id_of("nowhere") == unk


def test_yaml_with_any_bytes(tmp_path: Path) -> None:
    """As yaml-cpp and trainings on raw bytes leave it: bytes that are no text, controls, line ends of Unicode, keys
    that are equal, or become so by replacement; several pieces with one id."""
    head = b'"</s>": 0\n"<unk>": 1\n'
    odd = ["\x01", "\x7f", "\x85", "a\u2028b", "\ufeff", "\uffff", "\x9f", "\U000f1234"]
    lines = [f'"{piece}": {number}\n'.encode() for number, piece in enumerate(odd[:-1], 10)]
    text = head + b"".join(lines) + b'"\xff": 2\n"\xfe": 3\n"\\x02": 4\n"a": 5\n"a": 6\n"\xc3x": 7\n'
    text += b"b: 8\nB: 8\n? c\n: 9\n"
    (tmp_path / "v.yml").write_bytes(text)
    vocabulary = read_vocabulary(tmp_path / "v.yml")
    assert [vocabulary.id_of(piece) for piece in odd[:-1]] == list(range(10, 17))
    assert vocabulary.id_of("\ufffd") == 2, "the first of equal keys"
    assert (vocabulary.id_of("\x02"), vocabulary.id_of("a"), vocabulary.id_of("\ufffdx")) == (4, 5, 7)
    assert (vocabulary.id_of("b"), vocabulary.id_of("B"), vocabulary.piece_of(8)) == (8, 8, "b")
    assert vocabulary.id_of("c") == 9 and pickle.loads(pickle.dumps(vocabulary)).piece_of(8) == "b"
    (tmp_path / "v.txt").write_bytes(b"</s>\n<unk>\n\xff\n\xfe\na\n")
    listed = read_vocabulary(tmp_path / "v.txt")
    assert (listed.id_of("\ufffd"), listed.id_of("a"), listed.size) == (2, 4, 5)


UNQUOTED = ["@", "%", "*", "*x", "&", "&amp", "!", "!x", "[", "{", "]", '"', "'", "`", "|", ">", "- ", ", ", "a: b",
            '"x']


@pytest.mark.parametrize("bad", [*(f"{piece}: 4" for piece in UNQUOTED), "x"])
@pytest.mark.parametrize("rest", ["c: 5\nd: 6\n", ""])
def test_unquoted_pieces_are_named_by_their_line(bad: str, rest: str, tmp_path: Path) -> None:
    path = put(tmp_path, "v.yml", f'"</s>": 0\n"<unk>": 1\na: 2\nb: 3\n{bad}\n{rest}')
    with pytest.raises(ModelFormatError, match="Quote the piece") as caught:
        read_vocabulary(path)
    assert (caught.value.offset, caught.value.unit) == (5, "line")


def test_cutting(tmp_path: Path) -> None:
    vocabulary = read_vocabulary(put(tmp_path, "v.yml", "</s>: 0\n<unk>: 1\na: 2\nb: 3\nc: 4\n"))
    assert not hasattr(vocabulary, "proto")
    cut = vocabulary.cut(3)  # type: ignore[union-attr]
    assert (cut.size, cut.id_of("a"), cut.id_of("b"), cut.piece_of(2)) == (3, 2, 1, "a")
    assert "c" not in cut and cut != vocabulary
    with pytest.raises(ModelFormatError, match="beyond the model's rows"):
        vocabulary.cut(1)  # type: ignore[union-attr]
