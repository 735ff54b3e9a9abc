"""A source's address to its offers. Not the address decides what a document is, but its content:

    JSON with a list ``data``             Remote Settings records
    JSON with an object ``models``        Firefox's models.json
    JSON with a list ``models``           translateLocally's
    JSON with ``siblings``                a model of Hugging Face
    a list of paths with archives         OPUS-MT's index
    zip; tar, compressed or not           one model of OPUS-MT; of Bergamot
    a page, or a folder                   a model of Hugging Face, or whatever models lie there
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from dragoman.errors import DownloadError, HubError
from dragoman.hub import bergamot, firefox, huggingface, opus
from dragoman.hub.endpoints import ENDPOINTS
from dragoman.hub.folders import CATALOGUES, offer_of_tar, offers_of_folder
from dragoman.hub.index import Listing, recall_listing, remember_listing
from dragoman.hub.offers import Offer, safe_name
from dragoman.hub.places import LocalPlace, WebPlace
from dragoman.hub.unpack import BROKEN, is_archive, open_layers
from dragoman.hub.values import Fields, parse_json
from dragoman.hub.web import DOCUMENT_LIMIT, Web, is_web, shown
from dragoman.languages import languages_of_name

__all__ = ["address_of", "read_source"]

_HEAD = 1 << 16
_NAMED = {one.kind: one.url for one in ENDPOINTS}


def address_of(source: str, name: str = "") -> str:
    """The address of a source: one of the table by its name, else as given. ``name`` fills Hugging Face's in.

    Raises HubError for a word that is neither.
    """
    if source in _NAMED:
        return _NAMED[source].replace("{name}", name)
    if not is_web(source) and not Path(source.removeprefix("file://")).exists():
        known = ", ".join(_NAMED)
        raise HubError(f"{source!r} is no source: give an address, a folder, or one of {known}.")
    return source


def read_source(web: Web, source: str, store: Path) -> tuple[Offer, ...]:
    """The offers of a source by its address; remembered for the next time, and for when there is no network.

    Raises:
        DownloadError: it cannot be fetched, and offline: nothing is remembered.
        HubError: it is not what it should be, or is no source.
    """
    if not is_web(source):
        path = Path(source.removeprefix("file://")).resolve()
        return tuple(replace(offer, origin=str(path)) for offer in _local(path))
    known = recall_listing(store, source)
    if web.offline:
        if known is None:
            raise DownloadError(shown(source), "nothing is known of it offline: look at it once with the network")
        return known.offers
    listing = _fetched(web, source, known)
    if listing is not known:
        # Where it was asked for, not where redirects led: those may hold for a day.
        listing = Listing(tuple(replace(offer, origin=source) for offer in listing.offers), listing.tag)
        remember_listing(store, source, listing)
    return listing.offers


def _fetched(web: Web, source: str, known: Listing | None) -> Listing:
    headers = {"If-None-Match": known.tag} if known is not None and known.tag else {}
    response, final = web.open(source, headers)
    try:
        if response.status == 304 and known is not None:
            return known
        if response.status == 404 and (model := _hugging_face(web, source)):
            return Listing((model,))
        if response.status >= 400:
            raise web.refusal(source, response.status)
        head = _read(web, response, source, _HEAD)
        tag = response.headers.get("etag", "")
        if is_archive(head):
            size = response.headers.get("content-length", "")
            offer = _archive(head, final, tag, int(size) if size.isdigit() and len(size) < 15 else None)
            return Listing((offer,))
        body = head
        if len(head) == _HEAD:
            body += _read(web, response, source, DOCUMENT_LIMIT + 1 - len(head))
        if len(body) > DOCUMENT_LIMIT:
            raise DownloadError(shown(source), f"the catalogue has more than {DOCUMENT_LIMIT:,} bytes")
    finally:
        response.close()
    return Listing(tuple(_document(web, _plain(body, source), final)), tag)


def _read(web: Web, response: urllib3.BaseHTTPResponse, source: str, count: int) -> bytes:
    body = bytearray()
    while len(body) < count and (piece := web.read(response, source, min(count - len(body), _HEAD))):
        body += piece
    return bytes(body)


def _plain(body: bytes, source: str) -> bytes:
    """A document without its compression."""
    try:
        text = open_layers(io.BytesIO(body)).read(DOCUMENT_LIMIT + 1)
    except BROKEN as error:
        raise HubError(f"{shown(source)} cannot be unpacked: {error}.") from None
    if len(text) > DOCUMENT_LIMIT:
        raise HubError(f"{shown(source)} unpacks to more than {DOCUMENT_LIMIT:,} bytes.")
    return text


def _document(web: Web, body: bytes, url: str) -> list[Offer]:
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        value = parse_json(body, shown(url))
        if huggingface.is_repository(value):
            return [huggingface.offer_of_repository(value, url)]
        return _catalogue(value, url, web)
    if start == b"<":
        return _page(web, body.decode("utf-8", "replace"), url)
    if opus.is_index(body):
        return opus.offers_of_index(body.decode("utf-8", "replace"), url)
    raise HubError(f"{shown(url)} is no catalogue of models that is known here, and no archive.")


def _catalogue(value: Any, origin: str, web: Web | None) -> list[Offer]:
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        return firefox.offers_of_records(value["data"], _attachments(web, origin, value["data"]), origin)
    if isinstance(value, dict) and isinstance(value.get("models"), dict):
        return firefox.offers_of_models_json(Fields(value, shown(origin)), origin)
    if isinstance(value, dict) and isinstance(value.get("models"), list):
        return bergamot.offers_of_list(Fields(value, shown(origin)), origin)
    raise HubError(f"{shown(origin)} is JSON, but no catalogue of models that is known here.")


def _attachments(web: Web | None, origin: str, records: list[Any]) -> str:
    """The address that records' locations are below. Mirrors keep them below their document, or below its host."""
    if web is None:
        return origin.rsplit("/", 1)[0] + "/"
    parts = urlsplit(origin)
    try:
        root = parse_json(web.get(f"{parts.scheme}://{parts.netloc}/v1/", limit=1 << 20).body, "the server's root")
    except HubError:
        root = None
    base = firefox.attachments_base(root if isinstance(root, dict) else None, origin)
    beside = urljoin(origin, ".")
    if root is None and beside != base:
        location = next((one["attachment"]["location"] for one in records if _has_location(one)), None)
        if location and not WebPlace(web, base).has(location) and WebPlace(web, beside).has(location):
            return beside
    return base


def _has_location(record: Any) -> bool:
    attachment = record.get("attachment") if isinstance(record, dict) else None
    return isinstance(attachment, dict) and isinstance(attachment.get("location"), str)


def _hugging_face(web: Web, url: str) -> Offer | None:
    """The model whose page this is; None: it is the page of none. Raises HubError if it cannot be used."""
    api = huggingface.interface_url(url)
    try:
        value = None if api is None else parse_json(web.get(api).body, shown(api))
    except HubError:
        value = None
    if api is not None and huggingface.is_repository(value):
        return huggingface.offer_of_repository(value, api)
    for below in ("/resolve/main/", "/"):  # mirrors without the site's interface
        place = WebPlace(web, url.rstrip("/") + below, "")
        if place.has("config.json"):
            names = [name for name in huggingface.known_files() if place.has(name)]
            named = WebPlace(web, url.rstrip("/") + "/", "")
            return replace(huggingface.offer_of_folder(place, names, url), **_names(named.name))
    return None


def _names(name: str) -> dict[str, Any]:
    """Name and languages by the last part of a page's address."""
    languages = languages_of_name(name)
    pair = "-".join(languages) if languages else "model"
    return {"name": safe_name(f"{pair}.huggingface.{name}", "a model"), "languages": languages}


def _page(web: Web, page: str, url: str) -> list[Offer]:
    """A page for people: of a model on Hugging Face, or a server's index of a folder."""
    if model := _hugging_face(web, url):
        return [model]
    place = WebPlace(web, urljoin(url, "."), page)
    files, _ = place.entries()
    for name in CATALOGUES:
        if name in files:
            return _document(web, _plain(place.read(name, DOCUMENT_LIMIT), place.url(name)), place.url(name))
    offers = offers_of_folder(place)
    if not offers:
        raise HubError(f"{shown(url)} is a page without models.")
    return offers


def _local(path: Path) -> list[Offer]:
    """A folder, a catalogue or an archive of this machine."""
    if path.is_dir():
        place = LocalPlace(path)
        files, _ = place.entries()
        catalogue = next((path / name for name in CATALOGUES if name in files), None)
        if catalogue is None:
            offers = offers_of_folder(place)
            if not offers:
                raise HubError(f"{path}: there is no model in this folder.")
            return offers
        path = catalogue
    place = LocalPlace(path.parent)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise HubError(f"{path} cannot be read: {error.strerror or error}.") from None
    if is_archive(head):
        state = path.stat()
        return [_archive(head, place.url(path.name), f"{state.st_size}-{state.st_mtime_ns}", state.st_size)]
    body = _plain(place.read(path.name, DOCUMENT_LIMIT), str(path))
    if opus.is_index(body):
        return opus.offers_of_index(body.decode("utf-8", "replace"), place.url(path.name))
    return _catalogue(parse_json(body, str(path)), place.url(path.name), None)


def _archive(head: bytes, url: str, tag: str, size: int | None) -> Offer:
    if head.startswith(b"PK"):
        return opus.offer_of_archive(url, None, tag, size)
    return offer_of_tar(url, url)
