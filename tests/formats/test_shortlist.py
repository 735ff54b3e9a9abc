"""Shortlists: binary, text, and the candidates of a sentence."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.errors import ModelFormatError
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_binary import MAGIC, checksum, read_binary_shortlist, write_binary_shortlist
from dragoman.formats.shortlist_options import ShortlistOptions, sizes_in_name
from dragoman.formats.shortlist_text import read_shortlist, read_text_shortlist
from dragoman.formats.vocabulary import plain_vocabulary, read_vocabulary

LETTERS = plain_vocabulary(
    {"</s>": 0, "<unk>": 1, **{c: i + 2 for i, c in enumerate("abcdefghij")}}, Path("v")
)


def shortlist(lists: list[list[int]], first: int = 2, best: int = 5) -> Shortlist:
    offsets = np.cumsum([0] + [len(ids) for ids in lists]).astype(np.int64)
    return Shortlist(first, best, offsets, np.array([id_ for ids in lists for id_ in ids], np.uint32))


def file_of(first: int, best: int, offsets: list[int], ids: list[int], *, sum_: int | None = None) -> bytes:
    body = struct.pack(f"<4Q{len(offsets)}Q", first, best, len(offsets), len(ids), *offsets)
    body += struct.pack(f"<{len(ids)}I", *ids)
    return struct.pack("<2Q", MAGIC, checksum(memoryview(body)) if sum_ is None else sum_) + body


LISTS = st.lists(st.lists(st.integers(0, 40), unique=True, max_size=6).map(sorted), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(LISTS, st.integers(0, 50))
def test_binary_round_trip(
    tmp_path_factory: pytest.TempPathFactory, lists: list[list[int]], first: int
) -> None:
    path = tmp_path_factory.mktemp("lists") / "lex.bin"
    write_binary_shortlist(shortlist(lists, first), path)
    read = read_binary_shortlist(path, source_size=len(lists), target_size=41)
    assert (read.first, read.best) == (first, 5)
    assert [read.list_of(source).tolist() for source in range(len(lists))] == lists
    assert not read.ids.flags.writeable


def naive_candidates(
    lists: list[list[int]], first: int, source: list[int], shared: bool, size: int, eos: int | None
) -> list[int]:
    """The rule of marian-semantics 6, word for word."""
    allowed = {id_ for id_ in range(first) if id_ < size}
    for source_id in source:
        allowed |= {id_ for id_ in lists[source_id] if id_ < size}
        if shared and source_id < size:
            allowed.add(source_id)
    if eos is not None:
        allowed.add(eos)
    extra = first
    while len(allowed) % 8 and extra < size:
        allowed.add(extra)
        extra += 1
    return sorted(allowed)


@settings(max_examples=150, deadline=None)
@given(LISTS, st.integers(0, 50), st.data(), st.booleans(), st.integers(1, 60), st.sampled_from([None, 0]))
def test_candidates_agree_with_the_rule(
    lists: list[list[int]], first: int, data: st.DataObject, shared: bool, size: int, eos: int | None
) -> None:
    source = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=6))
    found = shortlist(lists, first).candidates(
        source, shared_vocabulary=shared, vocabulary_size=size, eos_id=eos
    )
    assert found.dtype == np.int32
    assert found.tolist() == naive_candidates(lists, first, source, shared, size, eos)


@pytest.mark.parametrize("source", [-1, 3])
def test_candidates_of_unknown_sources(source: int) -> None:
    with pytest.raises(IndexError):
        shortlist([[1], [2], [3]]).candidates([source], shared_vocabulary=False, vocabulary_size=9)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"x" * 48, "not a binary shortlist"),
        (file_of(2, 5, [0, 1], [7])[:-1], "counts do not fit"),
        (file_of(2, 5, [0, 1], [7]) + b"\0", "counts do not fit"),
        (struct.pack("<6Q", MAGIC, 0, 2, 5, 2**61, 2**62), "counts do not fit"),
        (file_of(2, 5, [0, 1], [7], sum_=1), "checksum is wrong"),
        (file_of(2, 5, [0], []), "covers no source id"),
        (file_of(2, 5, [1, 1], [7]), "first offset is not 0"),
        (file_of(2, 5, [0, 2, 1], [7]), "offsets decrease"),
        (file_of(2, 5, [0, 2**64 - 1, 1], [7]), "offsets decrease"),
        (file_of(2, 5, [0, 2], [7]), "not the number of ids"),
        (file_of(2, 5, [0, 1], [10]), "not in the target vocabulary"),
        (file_of(2, 5, [0, 2], [7, 7]), "not sorted"),
        (file_of(2, 5, [0, 1, 3], [9, 7, 6]), "not sorted"),
        (file_of(2, 5, [0, 1, 1, 1, 1], [9]), "another source vocabulary"),
    ],
)
def test_refuses(data: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "lex.bin").write_bytes(data)
    with pytest.raises(ModelFormatError, match=problem):
        size = 3 if "another" in problem else None
        read_binary_shortlist(tmp_path / "lex.bin", source_size=size, target_size=10)


def test_checksum_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "lex.bin").write_bytes(file_of(2, 5, [0, 1], [7], sum_=1))
    assert read_binary_shortlist(tmp_path / "lex.bin", verify=False).ids.tolist() == [7]


def text(tmp_path: Path, *lines: str) -> Path:
    (tmp_path / "lex.50.50.s2t").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "lex.50.50.s2t"


def test_text_rules(tmp_path: Path) -> None:
    path = text(
        tmp_path,
        "a a 0.1",
        "b a 0.5",
        "c a 0.5",
        "d\ta  0.9",
        "NULL a 0.9",
        "a NULL 0.9",
        "zz a 0.7",
        "",
        "e b 0",
    )
    lists = read_text_shortlist(path, LETTERS, LETTERS, first=2, best=3)
    names = [LETTERS.piece_of(int(id_)) for id_ in lists.list_of(LETTERS.id_of("a"))]
    assert names == ["<unk>", "c", "d"], (
        "best three by probability, of b and c the higher id; unknown is <unk>"
    )
    assert not len(lists.list_of(LETTERS.id_of("b"))), "not above the threshold"


@pytest.mark.parametrize(("repeated", "kept"), [("highest", "b"), ("last", "a")])
def test_text_pairs_given_twice(repeated: str, kept: str, tmp_path: Path) -> None:
    path = text(tmp_path, "b a 0.9", "a a 0.5", "b a 0.1")
    lists = read_text_shortlist(path, LETTERS, LETTERS, first=2, best=1, repeated=repeated)  # type: ignore[arg-type]
    assert lists.list_of(LETTERS.id_of("a")).tolist() == [LETTERS.id_of(kept)]


@pytest.mark.parametrize("line", ["a b", "a b c d", "a b high", "\udcff b 0.5"])
def test_text_refuses(line: str, tmp_path: Path) -> None:
    path = tmp_path / "lex"
    path.write_bytes(b"a a 0.5\n" + line.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelFormatError) as caught:
        read_text_shortlist(path, LETTERS, LETTERS, first=2, best=3)
    assert (caught.value.offset, caught.value.unit) == (2, "line")


def test_sizes() -> None:
    assert sizes_in_name("lex.50.40.ende.s2t.bin") == (50, 40)
    assert sizes_in_name("lex.s2t") is None
    named, other = Path("lex.30.20.s2t"), Path("lex.s2t")
    assert ShortlistOptions(named, stated_false=True).sizes == (30, 20)
    assert ShortlistOptions(other, stated_false=True).sizes == (50, 50)
    assert ShortlistOptions(named).sizes == (100, 100)
    assert ShortlistOptions(named, first=1, best=2).sizes == (1, 2)


def test_both_formats_through_one_door(tmp_path: Path) -> None:
    path = text(tmp_path, "a a 0.5", "b a 0.4")
    lists = read_shortlist(ShortlistOptions(path, first=2, best=1), LETTERS, LETTERS)
    write_binary_shortlist(lists, tmp_path / "lex.bin")
    again = read_shortlist(ShortlistOptions(tmp_path / "lex.bin"), LETTERS, LETTERS)
    np.testing.assert_array_equal(lists.ids, again.ids)
    np.testing.assert_array_equal(lists.offsets, again.offsets)


@pytest.mark.parametrize("pair", ["ende", "deen"])
def test_text_and_binary_of_real_models_are_the_same_bytes(pair: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "models" / f"{pair}-tiny-ssru"
    vocabulary = read_vocabulary(folder / f"vocab.{pair}.spm")
    binary = folder / "lex.50.50.s2t.bin"
    for options in (ShortlistOptions(binary), ShortlistOptions(folder / "lex.50.50.s2t", stated_false=True)):
        write_binary_shortlist(read_shortlist(options, vocabulary, vocabulary), tmp_path / "ours.bin")
        assert (tmp_path / "ours.bin").read_bytes() == binary.read_bytes()
