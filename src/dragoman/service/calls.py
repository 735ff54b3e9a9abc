"""The keywords of a call to a service, and the request that they make."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Sequence
from typing import Unpack

from dragoman.arguments import (
    check_call,
    check_choice,
    check_integer,
    check_name,
    check_seconds,
    check_texts,
    chunks_of,
)
from dragoman.errors import OptionsError
from dragoman.fleet.fleet import Fleet
from dragoman.options import DecodingChanges, DecodingOptions, Split, TextFormat
from dragoman.service.requests import Failures, OnLine, Request, make_works
from dragoman.service.scheduler import Ticket
from dragoman.service.texts import Texts
from dragoman.text.glossary import Glossary
from dragoman.text.reader import read_text
from dragoman.text.reading import Reading
from dragoman.text.terms import GlossaryMethod

__all__ = ["Call", "ModelChoice", "make_request"]

ModelChoice = str | Sequence[str]
_PORTION = 1000


class Call(DecodingChanges, total=False):
    """What may be said beside the texts: ``**call: Unpack[Call]``. See `dragoman.Service.translate`."""

    model: ModelChoice | None
    route: Sequence[str] | None
    split: Split
    format: TextFormat
    glossary: Glossary | None
    glossary_method: GlossaryMethod
    keep: Sequence[str | re.Pattern[str]]
    source_language: str | None
    priority: int
    timeout: float | None
    caller: str


def make_request(
    fleet: Fleet,
    texts: str | Iterable[str],
    options: DecodingOptions | None,
    *,
    failures: Failures = "raise",
    on_line: OnLine | None = None,
    model: ModelChoice | None = None,
    route: Sequence[str] | None = None,
    split: Split = "paragraph",
    format: TextFormat = "text",
    glossary: Glossary | None = None,
    glossary_method: GlossaryMethod = "auto",
    keep: Sequence[str | re.Pattern[str]] = (),
    source_language: str | None = None,
    priority: int = 0,
    timeout: float | None = None,
    caller: str = "",
    **changes: Unpack[DecodingChanges],
) -> Request:
    """Check everything that can be known now, and take the texts apart. Nothing else knows of it yet.

    Raises: as `dragoman.Service.translate`.
    """
    given = check_texts(texts)
    single = isinstance(given, str)
    listed = [given] if isinstance(given, str) else [text for chunk in chunks_of(given, _PORTION) for text in chunk]
    check_integer("priority", priority, -100, 100)
    check_choice("failures", failures, ("raise", "keep"))
    check_name("caller", caller, empty=True)
    check_call("on_line", on_line)
    seconds = None if timeout is None else check_seconds("timeout", timeout)
    steps = _steps(fleet, model, route)
    entries = [fleet.look(step) for step in steps]
    first, last = entries[0][0].languages, entries[-1][-1].languages
    languages = (first[0], last[1]) if first and last else None
    reading = Reading.of_call(split, format, glossary, glossary_method, keep, source_language, languages)
    works, asked, linked = make_works(entries, options, changes, len(listed))
    prefixes, constraints = asked.prefixes(len(listed)), asked.constraints_of(len(listed))
    reading.check_constraints(constraints)
    whole = Texts([read_text(text, reading) for text in listed], prefixes or (), constraints or ())
    deadline = math.inf if seconds is None else time.monotonic() + seconds
    ticket = Ticket(caller, priority, deadline)
    return Request(whole, works, ticket, failures, single, on_line, seconds or 0.0, linked=linked)


def _steps(fleet: Fleet, model: ModelChoice | None, route: Sequence[str] | None) -> list[tuple[str, ...]]:
    if (model is None) == (route is None):
        raise OptionsError("model", model, "given, or else route: one of the two")
    if route is not None:
        return [(name,) for name in fleet.route(route)]
    names = (model,) if isinstance(model, str) else tuple(model) if isinstance(model, (tuple, list)) else ()
    if not names or not all(isinstance(name, str) and name for name in names):
        raise OptionsError("model", model, "a name, or a sequence of names for an ensemble")
    return [names]
