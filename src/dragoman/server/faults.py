"""What goes wrong with a request, before any API gives it its own shape."""

from __future__ import annotations

import logging

from dragoman.errors import (
    DeadlineExceededError,
    DocumentError,
    DragomanError,
    ModelNotFoundError,
    OptionsError,
    QueueFullError,
    ServiceClosedError,
    TextFormatError,
    TextTooLongError,
    UnavailableError,
)

__all__ = ["RequestError", "status_of"]

_RETRY_S = 1
_log = logging.getLogger("dragoman.server")


class RequestError(Exception):
    """A request that is refused.

    Attributes:
        status: of HTTP.
        message: for whoever asked.
        retry_after: seconds after which it may be asked again, or None.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after


def status_of(error: Exception) -> RequestError:
    """The same error as a refusal; what nobody expected tells nothing of the inside."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, QueueFullError | ServiceClosedError):
        return RequestError(503, "The server is busy: try again shortly.", _RETRY_S)
    if isinstance(error, DeadlineExceededError):
        return RequestError(504, "The translation took too long.")
    if isinstance(error, TextTooLongError):
        return RequestError(413, str(error))
    if isinstance(error, OptionsError | DocumentError | TextFormatError | ModelNotFoundError):
        return RequestError(400, str(error))
    if isinstance(error, UnavailableError):
        return RequestError(501, str(error))
    if isinstance(error, DragomanError):
        return RequestError(500, str(error))
    _log.error("a request failed", exc_info=error)
    return RequestError(500, "An error within the server.")
