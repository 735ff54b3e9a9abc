"""Many models by name, in memory as they are needed, under a budget."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TypedDict, Unpack

from dragoman.arguments import check_choice, check_integer, check_name, check_seconds
from dragoman.catalogue.catalogue import Catalogue, read_directory, read_fleet_file
from dragoman.catalogue.known import known_catalogue
from dragoman.catalogue.loading import load
from dragoman.catalogue.routes import find_route
from dragoman.errors import DragomanError, OptionsError
from dragoman.fleet.entries import Entry
from dragoman.fleet.holdings import Holdings
from dragoman.fleet.residency import POLICIES
from dragoman.fleet.threads import check_may_wait
from dragoman.formats.bundle import ModelFiles
from dragoman.languages import languages_of_name
from dragoman.model import LoadOptions, Model
from dragoman.units import format_bytes, parse_bytes

__all__ = ["Fleet", "FleetOptions"]


class FleetOptions(TypedDict, total=False):
    """Keywords of `Fleet`."""

    weights_budget: int | str | None
    idle_s: float | None
    loaders: int
    policy: str
    loader: Callable[..., Model]


class Fleet(Holdings):
    """Models by name. Thread-safe; a context manager. Models are loaded when they are first used.

    Args:
        weights_budget: most bytes of weights and vocabularies in memory, such as "2 GB"; None: all models that were
            used stay. For a new model those leave that were not used longest. Before its first load a model's size is
            estimated from its file.
        idle_s: models not used for so many seconds leave; None: never.
        loaders: models loaded at the same time.
        policy: who leaves first: "lru" (not used longest), "lfu" (used least), "fifo", "largest-first".
        loader: makes a model of a path and options; for tests, and for models from elsewhere.

    Raises:
        OptionsError: a size, time, number or policy that makes no sense.
    """

    def __init__(
        self,
        weights_budget: int | str | None = None,
        *,
        idle_s: float | None = None,
        loaders: int = 2,
        policy: str = "lru",
        loader: Callable[..., Model] = load,
    ) -> None:
        check_choice("policy", policy, tuple(POLICIES))
        check_integer("loaders", loaders, 1, 64)
        if idle_s is not None:
            idle_s = check_seconds("idle_s", idle_s)
        if not callable(loader):
            raise OptionsError("loader", loader, "a function that makes a model of a path and options")
        budget = None if weights_budget is None else parse_bytes("weights_budget", weights_budget)
        super().__init__(budget, policy, idle_s, loaders, loader)

    @classmethod
    def from_directory(cls, path: Path | str | None = None, **arguments: Unpack[FleetOptions]) -> Fleet:
        """All models of a folder of folders, by the folders' names.

        Args:
            path: the folder; None: the models that were pulled, and those that come along for other languages.

        Raises:
            ModelNotFoundError: there is none.
        """
        return cls._of(known_catalogue() if path is None else read_directory(path), arguments)

    @classmethod
    def from_file(cls, path: Path | str, **arguments: Unpack[FleetOptions]) -> Fleet:
        """The models that a fleet.toml lists (`dragoman.catalogue.catalogue`); ``arguments`` go before its settings.

        Raises:
            ModelNotFoundError: no such file.
            ModelFormatError: it is not TOML, or has keys that mean nothing.
        """
        return cls._of(read_fleet_file(path), arguments)

    @classmethod
    def _of(cls, catalogue: Catalogue, arguments: FleetOptions) -> Fleet:
        fleet = cls(**{**catalogue.settings, **arguments})  # settings were checked when they were read
        for model in catalogue.models:
            fleet.add(model.name, model.path, pinned=model.pinned, languages=model.languages, **model.options)
        return fleet

    # -- which models there are -----------------------------------------------------------------------------

    def add(
        self,
        name: str,
        path: Path | str | ModelFiles,
        *,
        pinned: bool = False,
        languages: tuple[str, str] | None = None,
        **options: Unpack[LoadOptions],
    ) -> None:
        """Make a model known. Nothing is read before it is used.

        Args:
            name: of the model, new to this fleet.
            path: as `dragoman.load` takes it.
            pinned: once loaded, it stays until it is removed or unloaded.
            languages: source and target, for routes; None: what the name says ("ende", "en-de").
            options: other arguments of `dragoman.load`.

        Raises:
            OptionsError: the name is taken, or not a name.
        """
        check_name("name", name)
        if languages is not None and [type(one) for one in languages] != [str, str]:
            raise OptionsError("languages", languages, 'a source and a target, such as ("en", "de"), or None')
        with self._locked():
            if name in self._entries:
                raise OptionsError("name", name, "new: remove the other model of this name first")
            pair = languages_of_name(name) if languages is None else (languages[0], languages[1])
            self._entries[name] = Entry(name, path, options, pinned, pair)

    def remove(self, name: str) -> None:
        """Forget a model. Requests that are under way finish; then its memory is free, at once.

        Raises:
            ModelNotFoundError: there is no such model.
        """
        with self._locked():
            entry = self._entries.pop(name, None)
            if entry is None:
                raise self._unknown(name)
            entry.removed = True
            self._leaving.add(entry)
            self._settle(entry)

    def unload(self, name: str) -> None:
        """Drop a model from memory as soon as the batches that run on it now are done; it may come back.

        Raises:
            ModelNotFoundError: there is no such model.
        """
        with self._locked():
            entry = self._entry(name)
            if entry.model is not None or entry.loading:
                entry.leaving = True
                self._settle(entry)

    def names(self) -> tuple[str, ...]:
        """All models, in the order in which they were added."""
        with self._locked():
            return tuple(self._entries)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Source and target language of each model that has them, in the order in which they were added."""
        with self._locked():
            return tuple(entry.languages for entry in self._entries.values() if entry.languages is not None)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._entries)

    def route(self, stops: Sequence[str]) -> tuple[str, ...]:
        """The models to apply one after the other.

        Args:
            stops: names of models; or languages, two or more, such as ("de", "en", "fr"). Between two
                languages without a model of their own, the shortest way through others is taken.

        Raises:
            OptionsError: there is no such way, or too few stops.
        """
        with self._locked():
            return find_route(stops, {name: entry.languages for name, entry in self._entries.items()})

    # -- using one model without a service ------------------------------------------------------------------

    @contextlib.contextmanager
    def lease(self, name: str) -> Iterator[Model]:
        """A model for the time of a ``with`` block; loaded first if necessary.

        Raises:
            ModelNotFoundError: there is no such model.
            ModelError: it cannot be loaded.
        """
        check_may_wait("lease")
        user = object()
        entries = self.look((name,))
        try:
            self.enter(user, entries)
            models = self.acquire(entries)
            if models is None:
                waiter: Future[None] = Future()
                claim = self.claim(entries, lambda error: _settle_future(waiter, error))
                try:
                    waiter.result()
                    models = self.acquire(entries, claimed=True)
                    assert models is not None
                finally:
                    self.release_claim(claim)
            try:
                yield models[0]
            finally:
                del models
                self.release(entries)
        finally:
            self.leave(user)

    def __repr__(self) -> str:
        if self._closed:
            return "<dragoman.Fleet: closed>"
        resident = sum(entry.model is not None for entry in list(self._entries.values()))
        budget = "" if self.weights_budget is None else f" of {format_bytes(self.weights_budget)}"
        held = f"{resident} in memory ({format_bytes(self.resident_bytes)}{budget})"
        return f"<dragoman.Fleet: {len(self)} model{'s' * (len(self) != 1)}, {held}>"

    def __del__(self) -> None:
        loading = getattr(self, "_loading", None)  # absent if an argument was refused
        if loading is not None:
            loading.stop()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _settle_future(waiter: Future[None], error: DragomanError | None) -> None:
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)
