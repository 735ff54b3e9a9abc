"""Whose files the cache trusts, what it does with what lies in their place, and how much it keeps."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_tools import run
from fleet_tools import make_folder
from prepared_tools import answers, load_private, run_python, weights_file

import dragoman.weights.cache_folder as policy
from dragoman import load
from dragoman.errors import WeightsError
from dragoman.formats.prepared import HEADER_BYTES
from dragoman.weights.store import stored_files

root = pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")


def place(path: Path, what: str) -> None:
    path.unlink(missing_ok=True)
    if what == "fifo":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    elif what == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(100 << 30)


@pytest.mark.parametrize("what", ["fifo", "device", "folder", "sparse"])
@pytest.mark.parametrize("suffix", [".weights", ".key"])
def test_what_is_no_file_of_ours_is_passed_over_at_once(
    what: str, suffix: str, folder: Path, cache: Path, settle: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    expected = answers(load_private(folder, monkeypatch))
    load(folder)
    (path,) = cache.glob(f"*{suffix}")
    place(path, what)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(answers(load(folder))), daemon=True)
    thread.start()
    thread.join(20)
    assert found == [expected], "it hangs" if thread.is_alive() else "other answers"


def forge(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Other facts in a file whose sizes and checksums are right."""
    from dragoman.formats.prepared import _CHECKSUM, _HEADER, checksum

    data = bytearray(path.read_bytes())
    values = list(_HEADER.unpack_from(data))
    start, size = values[3], values[4]
    facts = json.loads(data[start : start + size])
    text = json.dumps(change(facts) or facts, separators=(",", ":")).encode()
    room = values[12] - start  # up to the plan
    if len(text) > room:
        pytest.skip("no room for it")
    data[start : start + room] = text.ljust(room, b"\0")
    values[4] = len(text)
    values[-1] = 0
    _HEADER.pack_into(data, 0, *values)
    data[_CHECKSUM] = bytes(8)
    data[_CHECKSUM] = checksum(data[: values[9]]).to_bytes(8, "little")
    path.write_bytes(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.update(source_rows="x"), lambda facts: facts.update(cost=None), lambda facts: [1],
        lambda facts: facts.update(shortlist=[1]), lambda facts: facts.pop("precision") and None,
        lambda facts: facts.update(right_to_left=1), lambda facts: facts.update(name=3), lambda facts: "",
        lambda facts: facts.update(parameter_count=-1.5), lambda facts: facts.update(details=7),
    ],
)  # fmt: skip
def test_forged_facts_are_prepared_again(
    change: Callable[[dict[str, Any]], Any], folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers(load_private(folder, monkeypatch))
    path = load(folder).weights.path
    assert path is not None
    forge(path, change)
    again = load(folder)
    assert answers(again) == expected and again.plan and again.config


@root
@pytest.mark.parametrize("which", ["folder", "parent", "file"])
def test_files_of_others_are_not_used(
    which: str, folder: Path, cache: Path, caplog: pytest.LogCaptureFixture, settle: Callable[[], None]
) -> None:
    settle()
    path = load(folder).weights.path
    assert path is not None
    os.chown({"folder": cache, "parent": cache.parent, "file": path}[which], 12345, -1)
    policy._say.cache_clear()
    with caplog.at_level(logging.WARNING):
        model = load(folder)
    assert "another user" in caplog.text
    assert answers(model)
    assert model.file_backed == (which == "file"), "prepared again, and kept where that is safe"


@pytest.mark.parametrize("which", ["folder", "parent", "file"])
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_what_others_can_write_to_is_not_used(
    which: str, mode: int, folder: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = load(folder).weights.path
    assert path is not None
    {"folder": cache, "parent": cache.parent, "file": path}[which].chmod(mode)
    policy._say.cache_clear()
    with caplog.at_level(logging.WARNING):
        model = load(folder)
    assert "others may write" in caplog.text and answers(model)
    assert model.file_backed == (which == "file")


def test_folders_are_made_for_the_user_alone_whatever_the_umask(folder: Path, cache: Path) -> None:
    before = os.umask(0)
    try:
        path = load(folder).weights.path
    finally:
        os.umask(before)
    assert path is not None
    for made, allowed in ((cache, 0o700), (cache.parent, 0o700), (path, 0o600)):
        assert stat.S_IMODE(made.stat().st_mode) == allowed
    assert load(folder).file_backed


def test_a_file_written_to_with_its_time_put_back(folder: Path, cache: Path) -> None:
    """While it is mapped: nobody gets wrong translations without a word."""
    model = load(folder)
    expected = answers(model)
    path = weights_file(cache)
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        file.write(b"\x7f" * 2000)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert answers(model) == expected, "made again before the next flight"
    used = model.weights.ready()
    path = weights_file(cache)
    with path.open("r+b") as file:
        file.write(b"DRAGOMAN")  # no byte is another: only the time of status tells
    os.utime(path, ns=(status.st_atime_ns, path.stat().st_mtime_ns))
    with pytest.raises(WeightsError, match="repeat the request"):
        model.weights.check(used)
    assert answers(model) == expected


def test_removing_and_replacing_is_no_damage(folder: Path, cache: Path) -> None:
    model = load(folder)
    expected = answers(model)
    path = weights_file(cache)
    copy = path.read_bytes()
    path.unlink()
    assert not model.weights.ready().damaged
    path.write_bytes(copy)
    assert not model.weights.ready().damaged and answers(model) == expected


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe", "日本語".encode(), b"with space"])
def test_folders_of_any_name(name: bytes, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    monkeypatch.setenv("DRAGOMAN_CACHE", where)
    first = load(folder)
    assert first.file_backed and str(first.weights.path).startswith(where)
    assert answers(load(folder)) == answers(first)
    for command in (("ls",), ("ls", "--json"), ("verify",), ("clear",)):
        assert run("cache", *command).code == 0
    moved = Path(os.fsdecode(os.fsencode(tmp_path) + b"/model-" + name))
    folder.rename(moved)
    assert load(moved).file_backed and answers(load(moved)) == answers(first)


def test_the_least_recently_used_leave(
    tmp_path: Path, spm_bytes: bytes, cache: Path, settle: Callable[[], None]
) -> None:
    settle()
    folders = [make_folder(tmp_path / f"m{number}", spm_bytes, seed=number) for number in range(5)]
    paths = [load(folder).weights.path for folder in folders[:4]]
    size = sum(path.stat().st_size for path in paths if path)
    for number, path in enumerate(paths):
        assert path is not None
        past = time.time() - 1000 + number
        for file in (path, *(key for key in cache.glob("*.key") if key.read_bytes()[:40].decode() == path.stem)):
            os.utime(file, (past, past))
    load(folders[0])  # used again
    assert run("cache", "limit", f"{size}").code == 0
    assert len(stored_files(cache)) == 4
    assert load(folders[4]).file_backed
    left = set(stored_files(cache))
    assert paths[0] in left and paths[1] not in left, "the one not used longest went, with its key"
    assert len(list(cache.glob("*.key"))) == len(left)
    shown = json.loads(run("cache", "ls", "--json").output)
    assert shown["limit_bytes"] == size and sum(row["bytes"] for row in shown["files"]) <= size
    assert "least recently used" in run("cache", "ls").output.decode()
    assert run("cache", "limit", "1").output == run("cache", "limit").output
    assert load(folders[2]).file_backed and len(stored_files(cache)) == 1, "the newest stays, however large"
    assert run("cache", "limit", "off").output == b"no limit\n"
    assert run("cache", "limit", "much").code == 2
    (cache / "limit").write_text("x" * 100)
    assert policy.read_limit(cache) == policy.DEFAULT_LIMIT == 4_000_000_000


def test_a_header_is_read_before_the_file_is_mapped(folder: Path, cache: Path) -> None:
    """A file of many gigabytes that begins like one of ours takes neither memory nor time."""
    path = load(folder).weights.path
    assert path is not None
    start = path.read_bytes()[:HEADER_BYTES]
    with path.open("wb") as file:
        file.write(start)
        file.truncate(100 << 30)
    code = """
import resource, sys
sys.path[:0] = sys.argv[2:]
from prepared_tools import answers
from dragoman import load
resource.setrlimit(resource.RLIMIT_AS, (4 << 30,) * 2)
print(len(answers(load(sys.argv[1]))))
"""
    done = run_python(code, folder, Path(__file__).parent)
    assert done.stdout.strip() == "3", done.stderr


@root
def test_folders_further_up_may_be_anybodys(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As containers show them; but not open to everybody."""
    above = tmp_path / "home"
    (above / "user").mkdir(parents=True)
    os.chown(above, 65534, -1)
    monkeypatch.setenv("DRAGOMAN_CACHE", str(above / "user" / "cache"))
    assert load(folder).file_backed
    above.chmod(0o777)
    assert not load(folder).file_backed
    above.chmod(0o1777)
    assert load(folder).file_backed
