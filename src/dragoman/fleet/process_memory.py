"""This process's memory: what the system says about it, and giving back what is free."""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessMemory", "cached_bytes", "mapped_files", "process_memory", "release_free_memory"]

_PROC = Path("/proc/self")


@dataclass(frozen=True)
class ProcessMemory:
    """Bytes.

    Attributes:
        rss: in memory, all of it.
        pss: the same, but what n processes share counts 1/n.
        private: what would be free if this process ended.
        anonymous: not backed by any file.
    """

    rss: int
    pss: int
    private: int
    anonymous: int


def process_memory() -> ProcessMemory | None:
    """None where the system does not say."""
    try:
        text = (_PROC / "smaps_rollup").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    found = {name: _bytes(line) for line in text.splitlines()[1:] for name in [line.split(":")[0]]}
    return ProcessMemory(
        rss=found.get("Rss", 0),
        pss=found.get("Pss", 0),
        private=found.get("Private_Clean", 0) + found.get("Private_Dirty", 0),
        anonymous=found.get("Anonymous", 0),
    )


def mapped_files() -> dict[str, int]:
    """Resident bytes of each mapped file, by path; of a file that is mapped several times (by models that are
    equal), those of one map. Takes some milliseconds; empty where unknown."""
    found: dict[str, int] = {}
    maps: dict[str, int] = {}
    path = ""
    try:
        with (_PROC / "smaps").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                first = line.split(maxsplit=1)[0]
                if not first.endswith(":"):
                    fields = line.split(maxsplit=5)
                    path = fields[5].rstrip("\n").removesuffix(" (deleted)") if len(fields) == 6 else ""
                elif first == "Rss:" and path.startswith("/"):
                    found[path] = found.get(path, 0) + _bytes(line)
                    maps[path] = maps.get(path, 0) + 1
    except OSError:
        return {}
    return {path: nbytes // maps[path] for path, nbytes in found.items()}


def cached_bytes(path: Path) -> int | None:
    """Bytes of a file that are in the system's page cache: nobody waits for them. None where unknown."""
    try:
        mincore = ctypes.CDLL(None, use_errno=True).mincore
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            import numpy as np

            pages = -(-len(mapped) // mmap.PAGESIZE)
            found = (ctypes.c_ubyte * pages)()
            view = np.frombuffer(mapped, np.uint8)
            failed = mincore(ctypes.c_void_p(view.ctypes.data), ctypes.c_size_t(len(mapped)), found)
            del view
            return None if failed else sum(one & 1 for one in found) * mmap.PAGESIZE
    except (AttributeError, OSError, TypeError, ValueError):
        return None


def release_free_memory() -> None:
    """Have the C library return free memory to the system; it would keep it for later. Takes milliseconds.

    Weights and workspaces are mappings of their own and go back by themselves; vocabularies are not.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    trim(0)


def _bytes(line: str) -> int:
    return int(line.split()[1]) * 1024
