"""Between HTTP and the service: languages to routes, bounds, deadlines, and one caller's share."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from dragoman.errors import UnavailableError
from dragoman.options import TextFormat
from dragoman.result import Hypothesis, Translation
from dragoman.server.callers import Caller, Callers
from dragoman.server.faults import RequestError
from dragoman.server.pairs import Pairs, pairs_of
from dragoman.server.settings import Settings
from dragoman.service.service import Service
from dragoman.text.detection import Detection, detect_language
from dragoman.text.glossary import Glossary

__all__ = ["Asked", "Engine"]

_PORTION_CHARACTERS = 20_000
_SAMPLED = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What was translated: each text with its source language, and how sure that is (1 where it was stated)."""

    translations: list[Translation]
    languages: list[str]
    confidence: list[float]


class Engine:
    """Translates for all APIs. Used from the event loop; holds no request."""

    def __init__(self, service: Service, settings: Settings, callers: Callers) -> None:
        self.service, self.settings, self.callers = service, settings, callers
        self._waiting = 0

    def pairs(self) -> Pairs:
        """What can be translated now."""
        return pairs_of(self.service.fleet)

    async def translate(
        self,
        request: Request,
        caller: Caller,
        texts: Sequence[str],
        source: str,
        target: str,
        *,
        format: TextFormat = "text",
        glossary: Glossary | None = None,
        limit_status: int = 400,
        **options: Any,
    ) -> Asked:
        """Translate texts from one language, or from whatever each is in.

        Args:
            source: a language, or "auto".
            target: a language.
            limit_status: of a request with too many characters.
            options: as for `Service.translate`.

        Raises:
            RequestError: a language that is not there, too much at once, or no room.
            others: as `Service.translate`.
        """
        size = sum(map(len, texts))
        if self.settings.char_limit and size > self.settings.char_limit:
            problem = f"Invalid request: request ({size}) exceeds text limit ({self.settings.char_limit})"
            raise RequestError(limit_status, problem)
        if size > self.settings.queue_limit:
            raise RequestError(limit_status, f"Invalid request: {size} characters are too many")
        pairs = self.pairs()
        languages, confidence = await self._sources(texts, source, pairs)
        groups: dict[str, list[int]] = {}
        for number, language in enumerate(languages):
            groups.setdefault(language, []).append(number)
        routes = {language: self._target(pairs, language, target) for language in groups}
        if self._waiting + size > self.settings.queue_limit:
            raise RequestError(503, "The server is busy: try again shortly.", 1)
        self.callers.charge(caller, size)
        self._waiting += size
        try:
            found: list[Translation | None] = [None] * len(texts)
            for language, numbers in groups.items():
                for portion in _portions(numbers, texts):
                    answers = await self._ask(
                        request, caller, [texts[number] for number in portion], language, routes[language],
                        format=format, glossary=glossary, **options,
                    )  # fmt: skip
                    for number, answer in zip(portion, answers, strict=True):
                        found[number] = answer
        finally:
            self._waiting -= size
        return Asked([one for one in found if one is not None], languages, confidence)

    async def detect(self, text: str, *, only_sources: bool = True) -> Detection:
        """On a thread: long texts take milliseconds. Raises RequestError where detection is not installed."""
        languages = self.pairs().sources if only_sources else None
        try:
            return await asyncio.to_thread(functools.partial(detect_language, text, languages))
        except UnavailableError as error:
            raise RequestError(501, str(error)) from None

    async def language_of(self, data: bytes) -> str | None:
        """Of a file, by the text at its begin; None if unknown."""
        return (await self.detect(data[:_SAMPLED].decode("utf-8", "replace"))).language

    async def _sources(self, texts: Sequence[str], source: str, pairs: Pairs) -> tuple[list[str], list[float]]:
        if source.lower() != "auto":
            found = pairs.source(source) if source else None
            if found is None:
                raise RequestError(400, f"{source} is not supported")
            return [found] * len(texts), [1.0] * len(texts)
        languages, confidence = [], []
        for text in texts:
            detection = await self.detect(text)
            known = detection.language if detection.language in pairs.targets else None
            fallback = "en" if "en" in pairs.targets else pairs.sources[0] if pairs.sources else "en"
            languages.append(known or fallback)
            confidence.append(detection.probability if known else 0.0)
        return languages, confidence

    def _target(self, pairs: Pairs, source: str, target: str) -> str:
        found = pairs.target(source, target)
        if found is None and pairs.source(target) == source:
            return source  # nothing to do
        if found is None:
            raise RequestError(400, f"{target} is not supported")
        return found

    async def _ask(
        self, request: Request, caller: Caller, texts: list[str], source: str, target: str, **options: Any
    ) -> list[Translation]:
        """Ends the work as soon as the client is gone, within a decoding step."""
        if source == target:
            return [_copied(text) for text in texts]
        call: Any = self.service.translate_async(
            texts, route=(source, target), caller=caller.name, source_language=source,
            timeout=self.settings.request_timeout, **options,
        )  # fmt: skip
        task = asyncio.ensure_future(call)
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=0.2)
                if done:
                    return list(task.result())
                if await request.is_disconnected():
                    raise RequestError(499, "The client is gone.")
        finally:
            task.cancel()


def _portions(numbers: Sequence[int], texts: Sequence[str]) -> list[list[int]]:
    """What enters the queue at a time: a long request takes its turns with the others."""
    portions: list[list[int]] = []
    size = 0
    for number in numbers:
        if not portions or size + len(texts[number]) > _PORTION_CHARACTERS:
            portions.append([])
            size = 0
        portions[-1].append(number)
        size += len(texts[number])
    return portions


def _copied(text: str) -> Translation:
    """What is in the wanted language already."""
    return Translation(text, (), (Hypothesis(text, (), 0.0, 0.0),))
