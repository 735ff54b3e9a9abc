"""OPUS-MT's models in Hugging Face form: which files make one up, from the site's interface or from a folder.

Facts: huggingface.co's API of models (``siblings`` with sizes, git's hashes, and sha256 for large files), and the files
that transformers' MarianMT writes. `dragoman.hub.marian_names` says what becomes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from dragoman.errors import HubError
from dragoman.hub.offers import Offer, RemoteFile, safe_name
from dragoman.hub.places import Place
from dragoman.hub.values import Fields
from dragoman.languages import languages_of_name

__all__ = [
    "WEIGHTS",
    "interface_url",
    "is_model",
    "is_repository",
    "known_files",
    "offer_of_folder",
    "offer_of_repository",
]

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""In order of preference."""

_NEEDED = ("config.json", "vocab.json", "source.spm", "target.spm")
_USEFUL = ("target_vocab.json", "tokenizer_config.json", "generation_config.json")


def is_model(names: Sequence[str]) -> bool:
    """Whether these files are a model of this form; also one that then proves not to be usable."""
    return "config.json" in names and any(name.startswith(("model.safetensors", "pytorch_model.")) for name in names)


def known_files() -> tuple[str, ...]:
    """All files that a model of this form may have."""
    return (*_NEEDED, *_USEFUL, *WEIGHTS, "source.bpe")


def is_repository(value: object) -> bool:
    """Whether a JSON value is what the site says of a model."""
    return isinstance(value, dict) and isinstance(value.get("siblings"), list)


def interface_url(page: str) -> str | None:
    """Where the site speaks about the model of a page; None: this is no page of a model."""
    parts = urlsplit(page)
    names = [name for name in parts.path.split("/") if name]
    if names[:2] == ["api", "models"]:
        names = names[2:]
    if len(names) < 2:
        return None
    return f"{parts.scheme}://{parts.netloc}/api/models/{quote(names[0])}/{quote(names[1])}?blobs=true"


def offer_of_repository(value: object, api: str) -> Offer:
    """The model that the site describes. Raises HubError if it is none that can be used."""
    fields = Fields(value, api)
    parts = urlsplit(api)
    identifier = fields.text("id", fields.text("modelId", "/".join(parts.path.split("/")[3:5])))
    revision = fields.text("sha", "main")
    base = f"{parts.scheme}://{parts.netloc}/{quote(identifier)}/resolve/{quote(revision)}/"
    listed = {}
    for entry in fields.items("siblings"):
        one = Fields(entry, api)
        listed[one.text("rfilename")] = one
    files = []
    for name in _chosen(list(listed), identifier):
        one = listed[name]
        large = one.inner("lfs") if "lfs" in one else None
        blob = None if large is not None else one.digest("blobId", 40)
        digest = None if large is None else large.digest("sha256") or large.digest("oid")
        size = one.size("size") or (None if large is None else large.size("size"))
        files.append(RemoteFile(name, base + quote(name), size=size, sha256=digest, git_blob=blob))
    card = fields.inner("cardData") if "cardData" in fields else None
    licence = "unknown" if card is None or not isinstance(card.raw("license"), str) else card.text("license")
    return _offer(identifier, revision, _spdx(licence), files, api)


def offer_of_folder(place: Place, names: Sequence[str], origin: str) -> Offer:
    """The model of a folder of this form. Raises HubError if it cannot be used."""
    files = [RemoteFile(name, place.url(name)) for name in _chosen(names, place.address)]
    return _offer(place.name, "1", "unknown", files, origin)


def _chosen(names: Sequence[str], where: str) -> list[str]:
    """The files to fetch. Raises HubError where something is missing."""
    weights = next((name for name in WEIGHTS if name in names), None)
    if weights is None:
        sharded = any(name.endswith(".index.json") for name in names)
        problem = "its weights lie in several files" if sharded else "there are no weights of PyTorch"
        raise HubError(f"{where}: {problem}; {' or '.join(WEIGHTS)} is needed.")
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        kind = "It may use BPE, which is not supported." if "source.spm" in missing else "Is it a MarianMT model?"
        raise HubError(f"{where}: {', '.join(missing)} is missing. {kind}")
    return [*_NEEDED, *(name for name in _USEFUL if name in names), weights]


def _offer(identifier: str, revision: str, licence: str, files: list[RemoteFile], origin: str) -> Offer:
    name = identifier.rstrip("/").rsplit("/", 1)[-1]
    languages = languages_of_name(name)
    pair = "-".join(languages) if languages else "model"
    return Offer(
        name=safe_name(f"{pair}.huggingface.{name}", "a model"),
        source="huggingface",
        languages=languages,
        architecture="transformer",
        version=revision[:12],
        licence=licence,
        layout="huggingface",
        files=tuple(files),
        origin=origin,
    )


def _spdx(licence: str) -> str:
    known = {"apache-2.0": "Apache-2.0", "cc-by-4.0": "CC-BY-4.0", "mit": "MIT", "mpl-2.0": "MPL-2.0"}
    return known.get(licence.lower(), licence)
