"""The translations used last, in this process, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict

from dragoman.memory.entries import Entry, Key

__all__ = ["RecentEntries"]


class RecentEntries:
    """A dictionary that forgets what was not used for the longest time. Not thread-safe: its owner has a lock.

    Args:
        limit: most bytes of keys and entries, about.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self.nbytes = self.evicted = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Entry | None:
        """The entry, which is now the one used last; None: there is none."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Key, entry: Entry) -> None:
        """Keep an entry; one that is larger than an eighth of the limit is not worth what it would drive out."""
        size = _size(key, entry)
        if size > self._limit // 8:
            return
        old = self._entries.pop(key, None)
        if old is not None:
            self.nbytes -= _size(key, old)
        self._entries[key] = entry
        self.nbytes += size
        while self.nbytes > self._limit:
            gone, dropped = self._entries.popitem(last=False)
            self.nbytes -= _size(gone, dropped)
            self.evicted += 1

    def clear(self) -> None:
        self._entries.clear()
        self.nbytes = 0


def _size(key: Key, entry: Entry) -> int:
    return 300 + 2 * len(key.text) + entry.nbytes  # scopes are few, and shared
