"""Firefox Translations' two catalogues: Remote Settings records (one a file), and ``models.json`` (one a model).

Records (collection translations-models-v2): the newest version of a pair, architecture and variant counts; attachments
are zstd, with hashes of both forms. ``filter_expression`` says who gets a model, in an expression language of which
these strings occur; they are compared, never evaluated. ``models.json``: files are gzip below ``baseUrl``, and only the
model has a hash, of the unpacked file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from dragoman.errors import HubError
from dragoman.hub.endpoints import ATTACHMENTS
from dragoman.hub.offers import Offer, RemoteFile, file_name, safe_name
from dragoman.hub.values import Fields

__all__ = ["attachments_base", "offers_of_models_json", "offers_of_records"]

_LICENCE = "MPL-2.0"
_FILTERS = {
    "": "release",
    "env.appinfo.OS != 'Android'": "release",
    "env.appinfo.OS == 'Android'": "android",
    "env.channel == 'default' || env.channel == 'nightly'": "nightly",
}
_VOCABULARIES = ({"vocab"}, {"srcvocab", "trgvocab"})
_KINDS = {"model": "model", "lexicalShortlist": "lex", "vocab": "vocab", "srcVocab": "srcvocab", "trgVocab": "trgvocab"}
_CODE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")


def attachments_base(server: Mapping[str, Any] | None, origin: str) -> str:
    """Where attachments lie: as the server's root document says, else below the document's own origin; Mozilla's
    have a host of their own."""
    try:
        base = (server or {})["capabilities"]["attachments"]["base_url"]
        if isinstance(base, str) and base:
            return urljoin(origin, base if base.endswith("/") else base + "/")
    except (KeyError, TypeError):
        pass
    parts = urlsplit(origin)
    if (parts.hostname or "").endswith("settings.services.mozilla.com"):
        return ATTACHMENTS
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else origin.rsplit("/", 1)[0] + "/"


def offers_of_records(records: Iterable[object], base: str, origin: str) -> list[Offer]:
    """The models that records make up; incomplete ones and deleted records do not count.

    Args:
        base: address that locations are below.

    Raises HubError where a record is not what it should be.
    """
    groups: dict[tuple[str, ...], dict[str, RemoteFile]] = {}
    status: dict[tuple[str, ...], str] = {}
    for number, record in enumerate(records):
        fields = Fields(record, f"{origin}: record {number}")
        if fields.raw("deleted") is True or "attachment" not in fields:
            continue
        attachment = fields.inner("attachment")
        # The first generation of records has other names of the languages, and no architecture.
        source = fields.text("sourceLanguage", fields.text("fromLang", ""))
        target = fields.text("targetLanguage", fields.text("toLang", ""))
        architecture = fields.text("architecture", "tiny")
        variant = fields.text("variant", "")
        rule = fields.text("filter_expression", "")
        key = (source, target, architecture, variant, fields.text("version", "0"), rule)
        status[key] = _FILTERS.get(rule, "nightly")
        groups.setdefault(key, {})[fields.text("fileType")] = RemoteFile(
            name=safe_name(_unpacked(fields.text("name", file_name(attachment.text("filename")))), "a record's file"),
            url=urljoin(base, attachment.text("location").lstrip("/")),
            size=attachment.size("size"),
            sha256=attachment.digest("hash"),
            unpacked_size=fields.size("decompressedSize"),
            unpacked_sha256=fields.digest("decompressedHash"),
        )
    newest: dict[tuple[str, ...], Offer] = {}
    for group, files in groups.items():
        source, target, architecture, variant, version, _ = group
        if not _complete(files):
            continue
        kind = f"{architecture}-{variant}" if variant else architecture
        offer = _offer((source, target), kind, version, files, origin, status[group])
        place = (source, target, kind, offer.status)
        if place not in newest or _version(version) > _version(newest[place].version):
            newest[place] = offer
    return _one_a_name(newest.values())


def offers_of_models_json(document: Fields, origin: str) -> list[Offer]:
    """The models of a ``models.json``. Raises HubError where it is not what it should be."""
    base = urljoin(origin, document.text("baseUrl", ".").rstrip("/") + "/")
    offers = []
    models = document.raw("models")
    for pair, entries in models.items() if isinstance(models, Mapping) else ():
        for entry in entries if isinstance(entries, list) else ():
            fields = Fields(entry, f"{origin}: models: {str(pair)[:40]}")
            files = {}
            listed = fields.inner("files")
            for key, kind in _KINDS.items():
                if key not in listed:
                    continue
                one = listed.inner(key)
                path = one.text("path")
                files[kind] = RemoteFile(
                    name=safe_name(file_name(path), "a model's file"),
                    url=urljoin(base, path.lstrip("/")),
                    unpacked_size=one.size("uncompressedSize"),
                    unpacked_sha256=one.digest("uncompressedHash"),
                )
            if not _complete(files):
                continue
            languages = (fields.text("sourceLanguage", ""), fields.text("targetLanguage", ""))
            if not all(languages):
                first, _, second = str(pair).partition("-")
                languages = (first, second)
            version = fields.text("version", (files["model"].unpacked_sha256 or "0")[:12])
            status = _status(fields.text("releaseStatus", "Release"))
            offers.append(_offer(languages, fields.text("architecture", "tiny"), version, files, origin, status))
    return _one_a_name(offers)


def _offer(
    languages: tuple[str, str], architecture: str, version: str, files: dict[str, RemoteFile], origin: str, status: str
) -> Offer:
    if not all(_CODE.fullmatch(code) for code in languages):
        raise HubError(f"{origin}: {languages!r} are no two languages: the catalogue is damaged.")
    name = safe_name(f"{languages[0]}-{languages[1]}.firefox.{architecture}", "a model")
    wanted = sorted(kind for kind in files if kind in ("model", "lex", "vocab", "srcvocab", "trgvocab"))
    return Offer(
        name=name,
        source="firefox",
        languages=languages,
        architecture=architecture,
        version=version,
        licence=_LICENCE,
        layout="files",
        files=tuple(files[kind] for kind in wanted),
        origin=origin,
        status=status,
    )


def _complete(files: Mapping[str, RemoteFile]) -> bool:
    return "model" in files and any(kinds <= files.keys() for kinds in _VOCABULARIES)


def _one_a_name(offers: Iterable[Offer]) -> list[Offer]:
    """Of several for one name the one for more people, then the newer."""
    order = ("development", "nightly", "android", "release")
    best: dict[str, Offer] = {}
    for offer in offers:
        rival = best.get(offer.name)
        rank = (order.index(offer.status), _version(offer.version))
        if rival is None or rank > (order.index(rival.status), _version(rival.version)):
            best[offer.name] = offer
    return list(best.values())


def _status(text: str) -> str:
    """``Release``, ``Release Android``, ``Nightly``, ... in our words."""
    lowered = text.lower()
    if "release" in lowered:
        return "android" if "android" in lowered else "release"
    return "nightly" if "nightly" in lowered or "beta" in lowered else "development"


def _version(text: str) -> tuple[tuple[int, ...], bool, str]:
    """Numbers first; "3.0a1" comes before "3.0", as Mozilla counts."""
    head = re.match(r"\d{1,9}(?:\.\d{1,9})*", text)
    numbers = tuple(int(part) for part in head[0].split(".")) if head else ()
    rest = text[head.end() :] if head else text
    return (numbers, not rest, rest)


def _unpacked(name: str) -> str:
    return name.removesuffix(".zst").removesuffix(".gz")
