"""asyncio, and results as they are done."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator

import pytest
from fleet_tools import TEXTS, wait_for

from dragoman import (
    DeadlineExceededError,
    FailedLine,
    Fleet,
    OptionsError,
    QueueFullError,
    Service,
    ServiceClosedError,
    Translation,
)

Alone = dict[tuple[str, str], Translation]


def test_async_requests(service: Service, alone: Alone) -> None:
    async def main() -> None:
        names = [f"m{number % 6}" for number in range(120)]
        texts = [TEXTS[number % 40] for number in range(120)]
        found = await asyncio.gather(
            *(service.translate_async(text, model=name) for name, text in zip(names, texts, strict=True))
        )
        assert found == [alone[key] for key in zip(names, texts, strict=True)]
        assert await service.translate_async(TEXTS, model="m1") == [alone["m1", text] for text in TEXTS]

    asyncio.run(main())


def test_async_cancellation(service: Service) -> None:
    """Cancelling a task cancels the request; a task that waits for room too."""

    async def main() -> None:
        task = asyncio.create_task(service.translate_async(TEXTS * 200, model="m2"))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert service.drain(5) and service.stats().cancelled == 1 and service.stats().depth == 0


def test_async_waits_for_room_without_blocking(fleet: Fleet) -> None:
    async def main() -> None:
        async with Service(fleet, workers=1, queue_limit=sum(len(text) + 1 for text in TEXTS)) as service:
            first = [service.translate_async(TEXTS, model="m2", beam_size=6) for _ in range(6)]
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.001)
                    ticks += 1

            ticker = asyncio.create_task(tick())
            with pytest.raises(QueueFullError):
                await service.translate_async([*TEXTS, "abc"], model="m0")
            results = asyncio.gather(*first)
            with pytest.raises((DeadlineExceededError, asyncio.TimeoutError)):
                await service.translate_async(TEXTS, model="m0", timeout=0.001)
            assert len(await results) == 6 and ticks > 3
            ticker.cancel()

    asyncio.run(main())


def test_streams_in_order(service: Service, alone: Alone) -> None:
    texts = list(itertools.islice(itertools.cycle(TEXTS), 300))
    expected = [alone["m0", text] for text in texts]
    assert list(service.stream(texts, model="m0")) == expected
    assert list(service.stream(iter(texts), model="m0", ahead=3)) == expected

    async def main() -> list[object]:
        return [one async for one in service.stream(texts, model="m0")]

    assert asyncio.run(main()) == expected
    assert list(service.stream([], model="m0")) == []


def test_streams_as_they_finish(service: Service, alone: Alone) -> None:
    texts = [" ".join(TEXTS)] * 3 + TEXTS
    found = list(service.stream(texts, model="m2", ordered=False, ahead=len(texts) * 4))
    assert sorted(one.source for one in found) == sorted(texts)
    assert {one.source: one for one in found if one.source in TEXTS} == {text: alone["m2", text] for text in TEXTS}


def test_streams_read_no_further_than_needed(service: Service) -> None:
    read = 0

    def source() -> Iterator[str]:
        nonlocal read
        for text in itertools.cycle(TEXTS):
            read += 1
            yield text

    stream = iter(service.stream(source(), model="m0", ahead=32))
    for taken in range(1, 101):
        assert isinstance(next(stream), Translation)
        assert read <= taken + 40
    stream.close()  # type: ignore[attr-defined]
    assert service.drain(5)


def test_a_stream_answers_before_it_asks_for_more(service: Service, alone: Alone) -> None:
    """A conversation: None says that nothing more comes before there are answers."""
    answers: list[object] = []

    def questions() -> Iterator[str | None]:
        for number, text in enumerate(TEXTS[:5]):
            yield text
            yield None
            assert len(answers) == number + 1

    for answer in service.stream(questions(), model="m0"):
        answers.append(answer)
    assert answers == [alone["m0", text] for text in TEXTS[:5]]


def test_failures_in_streams(service: Service, alone: Alone) -> None:
    texts = [*TEXTS[:4], " ".join(TEXTS * 9), *TEXTS[4:8]]
    found = list(service.stream(texts, model="m0", long_lines="refuse", max_length=300))
    assert [isinstance(one, FailedLine) for one in found] == [False] * 4 + [True] + [False] * 4
    with pytest.raises(OptionsError):
        service.stream(TEXTS, model="m0", beam_size=0)
    with pytest.raises(OptionsError, match="several texts"):
        service.stream("abc", model="m0")
    late = list(service.stream(TEXTS * 40, model="m2", beam_size=12, timeout=0.02, ahead=1600))
    assert len(late) == 1600 and any(
        isinstance(one, FailedLine) and isinstance(one.error, DeadlineExceededError) for one in late
    )


def test_closing_ends_streams(fleet: Fleet) -> None:
    service = Service(fleet, workers=1)
    stream = iter(service.stream(itertools.cycle(TEXTS), model="m0"))
    next(stream)
    threading.Thread(target=service.close).start()
    with pytest.raises(ServiceClosedError):
        for _ in stream:
            pass


def test_leaving_an_async_stream_cancels_it(service: Service) -> None:
    async def main() -> None:
        stream = aiter(service.stream(itertools.cycle(TEXTS), model="m0"))
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    wait_for(lambda: service.stats().depth == 0)


def test_callers_share_while_one_is_greedy(service: Service) -> None:
    """One sentence is answered long before the thousands that were sent before it."""
    many = [f"{text} abc{number}" for number in range(150) for text in TEXTS]
    bulk = service.submit(many, model="m2", beam_size=4, caller="bulk")
    service.translate(TEXTS[0], model="m1", caller="small")
    assert not bulk.done()
    bulk.result(60)
