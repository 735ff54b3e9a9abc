"""Where models come from unless `--source` or ``DRAGOMAN_SOURCE`` says otherwise: one table, and nothing else knows an
address. The order is that in which sources are offered.

Every address may be replaced by a mirror: the content of a document, not its address, decides what it is
(`dragoman.hub.sources`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

__all__ = ["ATTACHMENTS", "ENDPOINTS", "Endpoint", "SourceKind", "default_sources"]

SourceKind = Literal["firefox", "bergamot", "opus-mt", "huggingface", "folder"]


@dataclass(frozen=True)
class Endpoint:
    """One source.

    Attributes:
        kind: its name on the command line.
        url: of the document that lists its models; for Hugging Face of a model, with ``{name}``.
        licence: of its models where the document does not say, as SPDX spells it.
        note: for people.
    """

    kind: SourceKind
    url: str
    licence: str
    note: str


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "firefox",
        "https://firefox.settings.services.mozilla.com/v1/buckets/main/collections/translations-models-v2/records",
        "MPL-2.0",
        "Firefox Translations: Mozilla's int8 students, by Remote Settings. Not a contract for third parties: "
        "re-host what many machines fetch.",
    ),
    Endpoint(
        "bergamot",
        "https://translatelocally.com/models.json",
        "CC-BY-SA-4.0",
        "Bergamot's students as translateLocally lists them.",
    ),
    Endpoint(
        "opus-mt",
        "https://object.pouta.csc.fi/OPUS-MT-models/index.txt",
        "CC-BY-4.0",
        "OPUS-MT's releases for Marian: float32, self-attention, some 300 MB each.",
    ),
    Endpoint(
        "huggingface",
        "https://huggingface.co/Helsinki-NLP/opus-mt-{name}",
        "Apache-2.0",
        "OPUS-MT's models in Hugging Face form, one page each.",
    ),
)

ATTACHMENTS = "https://firefox-settings-attachments.cdn.mozilla.net/"
"""Where the files of Remote Settings lie when their server does not say."""


def default_sources() -> tuple[str, ...]:
    """The documents to look at, in order: ``DRAGOMAN_SOURCE`` (addresses or names between spaces), else the table's
    except Hugging Face's, which has no list."""
    stated = os.environ.get("DRAGOMAN_SOURCE", "").split()
    return tuple(stated) or tuple(one.kind for one in ENDPOINTS if "{name}" not in one.url)
