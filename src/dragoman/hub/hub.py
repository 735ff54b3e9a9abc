"""The hub's face: what `dragoman.hub` and ``dragoman models`` offer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dragoman.catalogue.store import StoredModel, find_stored, models_folder, stored_models
from dragoman.errors import DownloadError, HubError
from dragoman.hub.choose import best_offer, matching, unknown
from dragoman.hub.endpoints import default_sources
from dragoman.hub.install import remove_model
from dragoman.hub.lockfile import offers_of_lock
from dragoman.hub.offers import Offer, RemoteFile
from dragoman.hub.pulling import ProgressCallback, Pulled, pull_offers
from dragoman.hub.soundness import verify_folder, verify_store
from dragoman.hub.sources import address_of, read_source
from dragoman.hub.web import Web, is_web
from dragoman.languages import is_language

__all__ = ["Access", "find_offer", "pull", "pull_all", "remove", "search", "update", "verify"]


@dataclass(frozen=True)
class Access:
    """How the network may be used, and which store.

    Attributes:
        source: address, folder, or name of a source; None: ``DRAGOMAN_SOURCE``, else Firefox, Bergamot, OPUS-MT in
            this order.
        folder: of the models; None: ``DRAGOMAN_MODELS``, else the user's.
        offline: only what is known and here already.
        insecure: allow plain http to other machines.
        jobs: files fetched at the same time.
    """

    source: str | None = None
    folder: Path | None = None
    offline: bool = False
    insecure: bool = False
    jobs: int = 4

    @property
    def store(self) -> Path:
        return models_folder() if self.folder is None else self.folder

    def web(self) -> Web:
        return Web(offline=self.offline, insecure=self.insecure)


def search(
    text: str = "",
    *,
    source_language: str | None = None,
    target_language: str | None = None,
    source: str | None = None,
    folder: Path | None = None,
    offline: bool = False,
    insecure: bool = False,
) -> tuple[Offer, ...]:
    """Offers whose name or languages contain ``text``, between these languages where given; sorted by pair.

    Args:
        source, folder, offline, insecure: see `Access`.

    Raises:
        HubError: no source can be read.
    """
    access = Access(source, folder, offline, insecure)
    with access.web() as web:
        offers = [offer for found in _listings(web, access, text) for offer in found]
    return tuple(matching(offers, text, source_language, target_language))


def find_offer(wanted: str, *, architecture: str | None = None, access: Access = Access()) -> Offer:
    """The offer of a name or a pair, from the first source that has one.

    Raises:
        HubError: there is none; the nearest names are in the message. Or no source can be read.
    """
    with access.web() as web:
        return _find(web, wanted, architecture, access)


def pull(
    wanted: str,
    *,
    source: str | None = None,
    architecture: str | None = None,
    folder: Path | None = None,
    offline: bool = False,
    insecure: bool = False,
    jobs: int = 4,
    progress: ProgressCallback | None = None,
) -> Path:
    """Put a model into the store and say where it is. One that is there in this version costs no download.

    Args:
        wanted: a pair such as "en-cs", or an offer's name.
        architecture: "tiny", "base", "base-memory", ...; None: the best.
        source, folder, offline, insecure, jobs: see `Access`.
        progress: told how far it is, from several threads but one at a time. What it raises stops the pull.

    Raises:
        HubError: there is no such model, or it is not what the catalogue says.
        DownloadError: it cannot be fetched; what has come is kept for the next time.
    """
    access = Access(source, folder, offline, insecure, jobs)
    pulled = pull_all((wanted,), architecture=architecture, progress=progress, access=access)
    (model,), (error,) = pulled.models, pulled.errors
    if error is not None:
        raise error
    assert model is not None
    return model.folder


def pull_all(
    wanted: Sequence[str] | None = None,
    *,
    architecture: str | None = None,
    lock: Path | None = None,
    progress: ProgressCallback | None = None,
    access: Access = Access(),
) -> Pulled:
    """Put several models into the store, or all that a source lists (``wanted`` None). One that fails does not stop the
    others.

    Args:
        lock: a lock file: what it pins, of it all or of ``wanted``.

    Raises HubError where a source cannot be read, or lists no such model.
    """
    with access.web() as web:
        if lock is not None:
            pinned = offers_of_lock(lock)
            offers = pinned if wanted is None else [_of(pinned, name, architecture, f"in {lock}") for name in wanted]
        elif wanted is None:
            offers = [
                offer
                for found in _listings(web, access, "")
                for offer in found
                if architecture is None or offer.architecture == architecture
            ]
        else:
            offers = [_find(web, name, architecture, access) for name in wanted]
        unique = list({offer.name: _tagged(web, offer) for offer in offers}.values())
        return pull_offers(web, access.store, unique, jobs=access.jobs, progress=progress)


def update(
    names: Sequence[str] = (), *, progress: ProgressCallback | None = None, access: Access = Access()
) -> tuple[tuple[StoredModel, StoredModel], ...]:
    """Ask each model's own source for a newer version, and pull it. Returns (former, new) for each that changed.

    Raises HubError where a source cannot be read, or a download fails: the former version stays.
    """
    store = access.store
    models = stored_models(store)
    if names:
        models = tuple(_stored(store, name) for name in names)
    changed: list[tuple[StoredModel, StoredModel]] = []
    with access.web() as web:
        for model in models:
            offers = read_source(web, model.origin, store)
            offer = next((one for one in offers if one.name == model.name), None)
            if offer is None and len(offers) == 1:
                offer = replace(offers[0], name=model.name, languages=model.languages)
            if offer is None:
                continue
            pulled = pull_offers(web, store, [_tagged(web, offer)], jobs=access.jobs, progress=progress)
            error = pulled.errors[0]
            if error is not None:
                raise error
            new = pulled.models[0]
            if pulled.fetched[0] and new is not None:
                changed.append((model, new))
    return tuple(changed)


def remove(name: str, *, folder: Path | None = None) -> StoredModel:
    """Take a model out of the store, by its name or its pair. Raises HubError if there is none."""
    store = models_folder() if folder is None else folder
    model = _stored(store, name)
    try:
        remove_model(store, model, time.sleep)
    except OSError as error:
        raise HubError(f"{model.folder} cannot be removed: {error.strerror or error}.") from None
    return model


def verify(name: str | None = None, *, folder: Path | None = None) -> dict[str, list[str]]:
    """Problems of each model, or of one by its name or pair; an empty list: every byte is as installed."""
    store = models_folder() if folder is None else folder
    if name is None:
        return dict(verify_store(store))
    if name and "/" not in name and not name.startswith(".") and (store / name).is_dir():
        return {name: verify_folder(store / name)}
    model = _stored(store, name)
    return {model.name: verify_folder(model.folder)}


def _stored(folder: Path, name: str) -> StoredModel:
    models = stored_models(folder)
    model = find_stored(name, models)
    if model is None:
        raise unknown(name, [label for one in models for label in (one.name, one.pair)], f"in {folder}")
    return model


def _addresses(access: Access, wanted: str) -> list[str]:
    """Where to look, in order."""
    stated = default_sources() if access.source is None else (access.source,)
    if stated == ("huggingface",) and "/" in wanted:
        return [f"https://huggingface.co/{wanted}"]
    return [address_of(source, wanted.replace("_", "-")) for source in stated]


def _listings(web: Web, access: Access, wanted: str) -> Iterator[tuple[Offer, ...]]:
    """The offers of each source. One that cannot be read is passed over if another can; else its error is raised."""
    first: DownloadError | None = None
    read = False
    for address in _addresses(access, wanted):
        try:
            offers = read_source(web, address, access.store)
        except DownloadError as error:
            first = first or error
            continue
        read = True
        yield offers
    if first is not None and not read:
        raise first


def _find(web: Web, wanted: str, architecture: str | None, access: Access) -> Offer:
    labels: list[str] = []
    for offers in _listings(web, access, wanted):
        if len(offers) == 1 and offers[0].languages is None and (pair := _pair(wanted)):
            return _named(offers[0], pair)
        offer = best_offer(wanted, offers, architecture)
        if offer is None and len(offers) == 1 and "/" in wanted:
            offer = offers[0]
        if offer is not None:
            return offer
        labels += [label for one in offers for label in (one.name, one.pair)]
    kind = f" of architecture {architecture}" if architecture else ""
    raise unknown(wanted, labels, f"{kind} in {access.source or 'the catalogues'}".strip())


def _of(offers: list[Offer], wanted: str, architecture: str | None, where: str) -> Offer:
    offer = best_offer(wanted, offers, architecture)
    if offer is None:
        raise unknown(wanted, [label for one in offers for label in (one.name, one.pair)], where)
    return offer


def _pair(wanted: str) -> tuple[str, str] | None:
    first, dash, second = wanted.replace("_", "-").partition("-")
    return (first, second) if dash and is_language(first) and is_language(second) else None


def _named(offer: Offer, pair: tuple[str, str]) -> Offer:
    """A single model whose catalogue says no languages: those that were asked for."""
    _, _, rest = offer.name.partition(".")
    return replace(offer, languages=pair, name=f"{pair[0]}-{pair[1]}.{rest or offer.source}")


def _tagged(web: Web, offer: Offer) -> Offer:
    """Where a catalogue has no hash at all, what the server says about the files tells versions apart."""
    if any(file.sha256 or file.unpacked_sha256 or file.git_blob for file in offer.files):
        return offer
    return replace(offer, files=tuple(_with_tag(web, file) for file in offer.files))


def _with_tag(web: Web, file: RemoteFile) -> RemoteFile:
    if file.tag:
        return file
    if not is_web(file.url):
        try:
            state = Path(file.url).stat()
        except OSError as error:
            raise HubError(f"{file.url} cannot be read: {error.strerror or error}.") from None
        return replace(file, tag=f"{state.st_size}-{state.st_mtime_ns}")
    if web.offline:
        return file
    try:
        response, _ = web.open(file.url, {}, "HEAD")
    except DownloadError:
        return file  # the download itself will say
    response.close()
    headers = response.headers
    tag = headers.get("etag") or f"{headers.get('last-modified', '')} {headers.get('content-length', '')}"
    return file if response.status >= 400 else replace(file, tag=tag.strip()[:200])
