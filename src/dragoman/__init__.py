"""dragoman: many Marian translation models in one process, in the memory of a few.

    model = dragoman.load("models/ende")
    translator = dragoman.Translator(model)
    translator.translate("How are you?").text
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dragoman.catalogue.loading import load
    from dragoman.documents.translate import FileReport, translate_file
    from dragoman.errors import (
        DeadlineExceededError,
        DocumentError,
        DownloadError,
        DragomanError,
        HubError,
        ModelError,
        ModelFormatError,
        ModelNotFoundError,
        OptionsError,
        QueueFullError,
        ServiceClosedError,
        ServiceError,
        TextFormatError,
        TextTooLongError,
        TranslationError,
        TranslatorClosedError,
        UnavailableError,
        UnsupportedModelError,
        WorkspaceError,
    )
    from dragoman.fleet.fleet import Fleet
    from dragoman.formats.bundle import ModelFiles
    from dragoman.model import Model
    from dragoman.options import DecodingOptions
    from dragoman.planning.plan import Plan
    from dragoman.result import FailedLine, Hypothesis, Translation
    from dragoman.run.translator import Translator
    from dragoman.service.reports import MemoryReport, ServiceStats
    from dragoman.service.service import Service
    from dragoman.service.shared import translate
    from dragoman.text.detection import Detection, detect_language
    from dragoman.text.glossary import Glossary

__version__ = "0.1.0"

_HOMES = {
    "dragoman.errors": (
        "DeadlineExceededError",
        "DocumentError",
        "DownloadError",
        "DragomanError",
        "HubError",
        "ModelError",
        "ModelFormatError",
        "ModelNotFoundError",
        "OptionsError",
        "QueueFullError",
        "ServiceClosedError",
        "ServiceError",
        "TextFormatError",
        "TextTooLongError",
        "TranslationError",
        "TranslatorClosedError",
        "UnavailableError",
        "UnsupportedModelError",
        "WorkspaceError",
    ),
    "dragoman.documents.translate": ("FileReport", "translate_file"),
    "dragoman.fleet.fleet": ("Fleet",),
    "dragoman.formats.bundle": ("ModelFiles",),
    "dragoman.catalogue.loading": ("load",),
    "dragoman.memory.memory": ("MemoryStats", "TranslationMemory"),
    "dragoman.model": ("Model",),
    "dragoman.options": ("DecodingOptions",),
    "dragoman.planning.plan": ("Plan",),
    "dragoman.service.reports": ("MemoryReport", "ServiceStats"),
    "dragoman.service.service": ("Service",),
    "dragoman.service.shared": ("translate",),
    "dragoman.result": ("FailedLine", "Hypothesis", "Translation"),
    "dragoman.run.translator": ("Translator",),
    "dragoman.text.detection": ("Detection", "detect_language"),
    "dragoman.text.glossary": ("Glossary",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "DeadlineExceededError",
    "DecodingOptions",
    "Detection",
    "DocumentError",
    "DownloadError",
    "DragomanError",
    "FailedLine",
    "FileReport",
    "Fleet",
    "Glossary",
    "HubError",
    "Hypothesis",
    "MemoryReport",
    "MemoryStats",
    "Model",
    "ModelError",
    "ModelFiles",
    "ModelFormatError",
    "ModelNotFoundError",
    "OptionsError",
    "Plan",
    "QueueFullError",
    "Service",
    "ServiceClosedError",
    "ServiceError",
    "ServiceStats",
    "TextFormatError",
    "TextTooLongError",
    "Translation",
    "TranslationError",
    "TranslationMemory",
    "Translator",
    "TranslatorClosedError",
    "UnavailableError",
    "UnsupportedModelError",
    "WorkspaceError",
    "detect_language",
    "load",
    "translate",
    "translate_file",
]


def __getattr__(name: str) -> Any:
    """Public names are imported on first use, so that ``import dragoman`` costs nothing."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'dragoman' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
