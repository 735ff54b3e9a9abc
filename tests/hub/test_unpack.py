"""Archives and compressed files from people who mean harm."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_mirrors import tar_gz, zstd

from dragoman.errors import HubError
from dragoman.hub import unpack
from dragoman.hub.unpack import unpack_archive, unpack_file


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bombs need not be large to be some."""
    monkeypatch.setattr(unpack, "_SLACK_BYTES", 1 << 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "in" / "target"
    place.mkdir(parents=True)
    return place


def everything(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def tar_of(*members: tuple[str, bytes, bytes]) -> bytes:
    """Name, type and contents, or target of a link, of each member."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            if kind == tarfile.REGTYPE:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content.decode()
                tar.addfile(member)
    return buffer.getvalue()


def zip_of(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


FILE = tarfile.REGTYPE
HOSTILE: dict[str, Callable[[], bytes]] = {
    "tar-up": lambda: tar_of(("../evil", FILE, b"x")),
    "tar-absolute": lambda: tar_of(("/tmp/evil", FILE, b"x")),
    "tar-up-inside": lambda: tar_of(("a/../../evil", FILE, b"x")),
    "tar-link": lambda: tar_of(("a", tarfile.SYMTYPE, b"/etc/passwd"), ("b", FILE, b"x")),
    "tar-link-then-below": lambda: tar_of(("a", tarfile.SYMTYPE, b".."), ("a/evil", FILE, b"x")),
    "tar-hard-link": lambda: tar_of(("a", tarfile.LNKTYPE, b"/etc/passwd")),
    "tar-device": lambda: tar_of(("a", tarfile.CHRTYPE, b"")),
    "tar-hidden": lambda: tar_of((".a", FILE, b"x")),
    "tar-twice": lambda: tar_of(("a", FILE, b"x"), ("a", FILE, b"y")),
    "tar-file-as-folder": lambda: tar_of(("a", FILE, b"x"), ("a/b", FILE, b"y")),
    "tar-deep": lambda: tar_of(("/".join("a" * 40), FILE, b"x")),
    "tar-backslash": lambda: tar_of(("..\\evil", FILE, b"x")),
    "tar-reserved": lambda: tar_of(("con.txt", FILE, b"x")),
    "tar-empty": lambda: tar_of(),
    "tar-cut": lambda: tar_of(("a", FILE, os.urandom(100_000)))[:50_000],
    "tar-bomb": lambda: tar_of(("a", FILE, bytes(20 << 20))),
    "zip-up": lambda: zip_of("../evil"),
    "zip-absolute": lambda: zip_of("/evil"),
    "zip-windows": lambda: zip_of("C:\\evil"),
    "zip-twice": lambda: zip_of("a", "./a"),
    "zip-cut": lambda: zip_of("a", "b")[:60],
    "text": lambda: b"hello",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives(name: str, folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(HOSTILE[name]())
    before = everything(tmp_path)
    with pytest.raises(HubError):
        unpack_archive(archive, folder, "archive")
    outside = {path for path in everything(tmp_path) - before if not path.startswith("in/target/")}
    assert not outside and not Path("/tmp/evil").exists() and not Path("/evil").exists()


def test_a_long_header_costs_no_memory(folder: Path, tmp_path: Path) -> None:
    """A tar header that claims names of a gigabyte."""
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    (tmp_path / "archive").write_bytes(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(4 << 20), 9))
    with pytest.raises(HubError, match=r"too long|more than"):
        unpack_archive(tmp_path / "archive", folder, "archive")


def test_a_sound_archive(folder: Path, tmp_path: Path) -> None:
    files = {"model.bin": b"m" * 1000, "sub/vocab.spm": b"v", "._model.bin": b"left by a system", "sub/.x/y": b""}
    (tmp_path / "archive").write_bytes(tar_gz(Path("top/inner"), files))
    unpack_archive(tmp_path / "archive", folder, "archive")
    assert everything(folder) == {"model.bin", "sub", "sub/vocab.spm"}
    assert (folder / "model.bin").read_bytes() == files["model.bin"]
    assert not stat.S_IMODE((folder / "model.bin").stat().st_mode) & 0o111


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress, lambda data: zstd.compress(gzip.compress(data)), bytes])
def test_layers(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data = os.urandom(100_000)
    (tmp_path / "packed").write_bytes(pack(data))
    unpack_file(tmp_path / "packed", tmp_path / "plain", size=len(data), sha256=None, what="it")
    assert (tmp_path / "plain").read_bytes() == data
    for wrong in ({"size": len(data) - 1, "sha256": None}, {"size": None, "sha256": "0" * 64}):
        with pytest.raises(HubError):
            unpack_file(tmp_path / "packed", tmp_path / "plain", what="it", **wrong)  # type: ignore[arg-type]


def test_bombs_end_early(tmp_path: Path) -> None:
    started = time.process_time()
    for pack in (gzip.compress, zstd.compress):
        (tmp_path / "packed").write_bytes(pack(bytes(20 << 20)))
        with pytest.raises(HubError, match="more than"):
            unpack_file(tmp_path / "packed", tmp_path / "plain", size=None, sha256=None, what="it")
        with pytest.raises(HubError, match="more than"):
            unpack_file(tmp_path / "packed", tmp_path / "plain", size=1000, sha256=None, what="it")
    assert time.process_time() - started < 60
