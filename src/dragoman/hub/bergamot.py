"""translateLocally's ``models.json``: a list of models, each one tar.gz with a sha256. HPLT's has the same form, and so
has OPUS-MT's for that program.

``srcTags`` are the languages that a model reads; it is offered for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

from dragoman.hub.offers import Offer, RemoteFile, safe_name
from dragoman.hub.values import Fields

__all__ = ["offers_of_list"]

_LICENCES = {"": "CC-BY-SA-4.0", "bergamot": "CC-BY-SA-4.0", "opusmt": "CC-BY-4.0", "opus-mt": "CC-BY-4.0"}


def offers_of_list(document: Fields, origin: str) -> list[Offer]:
    """The models of a list. Raises HubError where it is not what it should be."""
    best: dict[str, tuple[int, Offer]] = {}
    for number, entry in enumerate(document.items("models")):
        fields = Fields(entry, f"{origin}: model {number}")
        if "url" not in fields:
            continue
        for languages in _languages(fields):
            offer = _offer(fields, languages, origin)
            version = int(offer.version) if offer.version.isdigit() and len(offer.version) < 10 else 0
            if offer.name not in best or version > best[offer.name][0]:
                best[offer.name] = (version, offer)
    return [offer for _, offer in best.values()]


def _languages(fields: Fields) -> list[tuple[str, str]]:
    """Pairs of codes; from the short name ("cs-en-tiny") where tags are absent, as translateLocally does."""
    parts = fields.text("shortName", fields.text("code", "")).split("-")
    tags = fields.raw("srcTags")
    sources = [str(tag) for tag in tags] if isinstance(tags, Mapping) and tags else parts[:1]
    target = fields.text("trgTag", parts[1] if len(parts) > 1 else "")
    return [(source, target) for source in sources if source and target]


def _offer(fields: Fields, languages: tuple[str, str], origin: str) -> Offer:
    kind = fields.text("type", "tiny")
    repository = fields.text("repository", "").lower()
    url = urljoin(origin, fields.text("url"))
    name = "-".join(part.replace("_", "-") for part in languages)
    return Offer(
        name=safe_name(f"{name}.bergamot.{kind.replace(' ', '-')}", "a model"),
        source="bergamot",
        languages=languages,
        architecture=kind,
        version=fields.text("version", "1"),
        licence=fields.text("license", _LICENCES.get(repository, "unknown")),
        layout="archive",
        files=(RemoteFile(name="archive.tar.gz", url=url, size=fields.size("size"), sha256=fields.digest("checksum")),),
        origin=origin,
    )
