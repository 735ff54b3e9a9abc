"""Everything dragoman raises on purpose, one tree.

    DragomanError
    ├── OptionsError              a setting is out of range             name, value, allowed
    ├── ModelError                something about a model's files
    │   ├── ModelNotFoundError    no such model, or not a model         path, name, found
    │   ├── ModelFormatError      a file is not what it should be   path, parameter, offset, expected, found
    │   ├── UnsupportedModelError a sound file asks for what we lack    option, value, path
    │   ├── WeightsError          weights cannot be prepared            parameter, reason
    │   └── PlanError             a graph or plan is inconsistent       reason
    ├── TranslationError          one request failed
    │   ├── TextTooLongError      only where cutting is switched off    tokens, limit
    │   ├── WorkspaceError        a batch needs more memory than allowed
    │   └── DeadlineExceededError                                       timeout_s
    ├── HubError                  a catalogue of models, or the store of pulled ones, is not as it should be
    │   └── DownloadError         something could not be fetched         url, reason, temporary
    ├── DocumentError             a file cannot be read or written as its format says
    ├── TextFormatError           a glossary or a translation memory cannot be read  path, problem, line
    ├── UnavailableError          this machine lacks what was asked for
    ├── NativeError               the native core refused its arguments: a defect of dragoman
    ├── TranslatorClosedError     a translator was closed
    └── ServiceError              the service cannot take a request
        ├── QueueFullError                                              depth, limit
        └── ServiceClosedError                                          reason

Each message says where, what, and what to do. All survive pickling with their fields, so that they can cross
process borders. Cancellation is not here: it is ``concurrent.futures.CancelledError`` and
``asyncio.CancelledError``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

__all__ = [
    "DeadlineExceededError",
    "DocumentError",
    "DownloadError",
    "DragomanError",
    "HubError",
    "ModelError",
    "ModelFormatError",
    "ModelNotFoundError",
    "NativeError",
    "OptionsError",
    "PlanError",
    "QueueFullError",
    "ServiceClosedError",
    "ServiceError",
    "TextFormatError",
    "TextTooLongError",
    "TranslationError",
    "TranslatorClosedError",
    "UnavailableError",
    "UnsupportedModelError",
    "WeightsError",
    "WorkspaceError",
]

DAMAGED_ADVICE = (
    "The file is damaged or was cut short: fetch it again, or compare its sha256 with the publisher's."
)


class DragomanError(Exception):
    """Base of all. ``str(error)`` is a sentence a person can act on."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


_Error = TypeVar("_Error", bound=DragomanError)


def _rebuild(kind: type[_Error], args: tuple[Any, ...], fields: dict[str, Any]) -> _Error:
    """Unpickle without calling ``__init__``, whose arguments are the fields and not the message."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class OptionsError(DragomanError):
    """A setting has a value that is not allowed.

    Attributes: ``name`` of the setting; ``value`` as given; ``allowed``, the range in words.
    """

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"{name} is {_shown(value)}, but must be {allowed}.")


class ModelError(DragomanError):
    """Something is wrong with a model, before any text is translated."""


class ModelNotFoundError(ModelError):
    """There is no model where one was expected, or several and no way to choose.

    Attributes: ``path`` that was looked at, or the ``name`` of a model (one of the two is None);
    ``found``, names of the files that are there.
    """

    def __init__(
        self,
        where: Path | str,
        problem: str = "no such model.",
        *,
        found: Iterable[str] = (),
    ) -> None:
        self.path = where if isinstance(where, Path) else None
        self.name = None if isinstance(where, Path) else where
        self.found = tuple(found)
        listed = ", ".join(self.found[:20]) + (", ..." if len(self.found) > 20 else "")
        super().__init__(f"{where}: {problem}" + (f" Found there: {listed}." if listed else ""))


class ModelFormatError(ModelError):
    """A model file cannot be what it claims to be.

    Attributes: ``path`` of the file; ``parameter``, the item or key concerned, or None; ``offset``, byte in
    the file (or line number where ``unit`` is "line"), or None; ``expected`` and ``found``, possibly None.
    """

    def __init__(
        self,
        path: Path,
        problem: str,
        *,
        parameter: str | None = None,
        offset: int | None = None,
        unit: str = "byte",
        expected: object = None,
        found: object = None,
        advice: str = DAMAGED_ADVICE,
    ) -> None:
        self.path, self.parameter, self.offset, self.unit = path, parameter, offset, unit
        self.expected, self.found = expected, found
        place = "" if parameter is None else f" parameter {_shown(parameter)}:"
        place += "" if offset is None else f" at {unit} {offset:,}:".replace(",", " ")
        details = [f"expected {_shown(expected)}"] if expected is not None else []
        details += [f"found {_shown(found)}"] if found is not None else []
        message = f"{path}:{place} {problem}" + (f" ({', '.join(details)})" if details else "")
        super().__init__(f"{message}. {advice}".rstrip())


class UnsupportedModelError(ModelError):
    """The files are sound, but ask for something dragoman does not do.

    Attributes: ``option`` (as the model's configuration spells it), its ``value``, and the ``path``, or None.
    """

    def __init__(self, option: str, value: object, *, path: Path | None = None, advice: str = "") -> None:
        self.option, self.value, self.path = option, value, path
        place = "" if path is None else f"{path}: "
        super().__init__(f"{place}{option} = {_shown(value)} is not supported. {advice}".rstrip())


class WeightsError(ModelError):
    """A parameter cannot be packed or bound. Attributes: ``parameter``, ``reason``."""

    def __init__(self, parameter: str, reason: str) -> None:
        self.parameter, self.reason = parameter, reason
        super().__init__(f"parameter {_shown(parameter)}: {reason}")


class PlanError(ModelError):
    """A graph or a plan contradicts itself: a defect of dragoman, worth a report. Attribute: ``reason``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{reason} This is a defect of dragoman: please report it with the model's name.")


class TranslationError(DragomanError):
    """One request failed; others are not concerned."""


class TextTooLongError(TranslationError):
    """A sentence has more pieces than allowed. Attributes: ``tokens``, ``limit``, both counting the end
    symbol.
    """

    def __init__(self, tokens: int, limit: int) -> None:
        self.tokens, self.limit = tokens, limit
        super().__init__(
            f"a sentence has {tokens} tokens, the limit is {limit}: raise the limit, or let sentences be cut."
        )


class WorkspaceError(TranslationError):
    """A batch needs more workspace than the limit allows; it was not started."""


class HubError(DragomanError):
    """Models could not be listed, chosen, installed or checked."""


class DownloadError(HubError):
    """Something could not be fetched. Attributes: ``url``, ``reason``, and ``temporary``: it may work later."""

    def __init__(self, url: str, reason: str, *, temporary: bool = False) -> None:
        self.url, self.reason, self.temporary = url, reason, temporary
        advice = " Try again: what has come is kept." if temporary else ""
        super().__init__(f"{url}: {reason}.{advice}")


class TextFormatError(DragomanError):
    """A glossary or a translation memory is not what it claims to be.

    Attributes: ``path`` of the file, or None; ``problem`` in words; ``line``, the first is 1, or None.
    """

    def __init__(self, path: Path | None, problem: str, *, line: int | None = None) -> None:
        self.path, self.problem, self.line = path, problem, line
        place = ("" if path is None else f"{path}: ") + ("" if line is None else f"line {line}: ")
        super().__init__(f"{place}{problem}")


class DocumentError(DragomanError):
    """A file that was to be translated cannot be read or written as its format says: where, why, and what to do."""


class UnavailableError(DragomanError):
    """This machine cannot do what was asked, such as run kernels for another processor (``DRAGOMAN_CPU``)."""


class NativeError(DragomanError):
    """The native core refused its arguments: a defect of dragoman, worth a report."""


class TranslatorClosedError(DragomanError):
    """A translator was closed, before a call or while it ran."""

    def __init__(self) -> None:
        super().__init__("the translator is closed: create a new Translator.")


class DeadlineExceededError(TranslationError):
    """A request took longer than its caller allowed. Attribute: ``timeout_s``."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        super().__init__(
            f"not finished within {timeout_s:g} s: allow more time, send less text, or add workers."
        )


class ServiceError(DragomanError):
    """The service as a whole cannot take a request."""


class QueueFullError(ServiceError):
    """Too much is waiting, or it is too much for any queue. Attributes, all characters: ``depth`` of the queue, its
    ``limit``, ``size`` of what was to come in; if that alone is above the limit, waiting does not help.
    """

    def __init__(self, depth: int, limit: int, size: int = 0) -> None:
        self.depth, self.limit, self.size = depth, limit, size
        super().__init__(
            f"the texts have {size} characters, at most {limit} may wait at once: send them in portions, or by stream."
            if size > limit
            else f"{depth} characters are waiting, the limit is {limit}: try again later, or add workers."
        )


class ServiceClosedError(ServiceError):
    """The service was closed, or belongs to another process. Attribute: ``reason``."""

    def __init__(self, reason: str = "the service is closed") -> None:
        self.reason = reason
        super().__init__(f"{reason}: create a new Service.")


def _shown(value: object) -> str:
    """A value for a message: short, on one line, whatever a hostile file put into it."""
    if isinstance(value, str):
        text = repr(value[:200])
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 128:
        text = "a number of more than 38 digits"  # printing millions of digits takes seconds, or is refused
    else:
        try:
            text = repr(value)
        except ValueError:  # a number of very many digits inside
            text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 120 else text[:117] + "..."
