"""Everything at once, for a while: no answer differs from the sentence alone, none is lost, no memory is.

Models are added, evicted, removed and reloaded all the time, loads fail, requests are cancelled and expire.
``DRAGOMAN_SOAK_S`` sets the seconds (the release check is 600), ``DRAGOMAN_SOAK_MODELS`` and
``DRAGOMAN_SOAK_WORKERS`` the sizes.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any

import pytest
from fleet_tools import KINDS, make_folder, sentences

from dragoman import (
    DeadlineExceededError,
    FailedLine,
    Fleet,
    ModelError,
    ModelNotFoundError,
    OptionsError,
    QueueFullError,
    Service,
    Translator,
    load,
)
from dragoman.fleet.process_memory import process_memory

SECONDS = float(os.environ.get("DRAGOMAN_SOAK_S", "15"))
MODELS = int(os.environ.get("DRAGOMAN_SOAK_MODELS", "20"))
WORKERS = int(os.environ.get("DRAGOMAN_SOAK_WORKERS", "4"))
MOST_GROWTH = 10 << 20
TEXTS = [*sentences(24, seed=5), "", " ".join(sentences(15, seed=6))]
OPTIONS: list[dict[str, Any]] = [{}, {"beam_size": 3, "n_best": 2}, {"max_length": 12, "alignment": "hard"}]

Key = tuple[str, str, int]


class Soak:
    """The catalogue, what each answer must be, and what happened."""

    def __init__(self, folder: Path, spm: bytes) -> None:
        self.paths = {f"m{number}": folder / f"m{number}" for number in range(MODELS)}
        self.expected: dict[Key, Any] = {}
        budget = 0
        for number, (name, path) in enumerate(self.paths.items()):
            make_folder(path, spm, kind=KINDS[number % len(KINDS)], seed=number)
            model = load(path)
            budget = max(budget, model.weights_bytes)
            with Translator(model) as translator:
                for choice, options in enumerate(OPTIONS):
                    answers = translator.translate(TEXTS, **options)
                    self.expected.update({(name, t, choice): a for t, a in zip(TEXTS, answers, strict=True)})
        self.broken = folder / "broken"
        make_folder(self.broken, spm)
        (self.broken / "model.npz").write_bytes(b"not a model")
        self.fleet = Fleet(weights_budget=budget * MODELS // 3, idle_s=1.0)
        for name, path in self.paths.items():
            self.fleet.add(name, path, pinned=name == "m0")
        self.fleet.add("broken", self.broken)
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.ending = threading.Event()

    def check(self, names: tuple[str, ...], texts: list[str], choice: int, answers: list[Any]) -> None:
        """Each answer is what the sentence gives alone, through each model in turn."""
        for text, answer in zip(texts, answers, strict=True):
            if isinstance(answer, FailedLine):
                self.count("failed lines")
                if not isinstance(answer.error, ModelError):
                    self.problems.append(f"{names}: {answer.error!r}")
                continue
            wanted = self.expected[names[0], text, choice]
            self.count("answers")
            if (answer if len(names) == 1 else answer.source) != (wanted if len(names) == 1 else text):
                self.problems.append(f"{names} {text!r}: {answer} instead of {wanted}")

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def ended(self, future: Future[Any], names: tuple[str, ...], texts: list[str], choice: int) -> None:
        """Wait for a request, which must end one way or the other."""
        try:
            self.check(names, texts, choice, future.result(60))
        except CancelledError:
            self.count("cancelled")
        except DeadlineExceededError:
            self.count("expired")
        except ModelError:
            self.count("unavailable")
        except FutureTimeoutError:
            self.problems.append(f"{names}: a request was lost")

    def request(self, rng: random.Random) -> tuple[tuple[str, ...], list[str], int]:
        names = tuple(rng.sample(sorted(self.paths), 2 if rng.random() < 0.1 else 1))
        names = ("broken",) if rng.random() < 0.02 else names
        count = rng.choice((1, 1, 1, 3, 30))
        return names, rng.choices(TEXTS, k=count), 0 if len(names) > 1 else rng.randrange(len(OPTIONS))

    def client(self, service: Service, seed: int) -> None:
        rng = random.Random(seed)
        while not self.ending.is_set():
            open_ = []
            for _ in range(rng.randrange(1, 12)):
                names, texts, choice = self.request(rng)
                timeout = rng.choice((None, None, None, 5.0, 0.01))
                try:
                    future = service.submit(
                        texts,
                        route=names,
                        priority=rng.randrange(-1, 3),
                        caller=f"c{rng.randrange(4)}",
                        timeout=timeout,
                        failures="keep",
                        **OPTIONS[choice],
                    )
                except (ModelError, OptionsError, QueueFullError):  # the model was removed a moment ago
                    self.count("refused")
                    continue
                open_.append((future, names, texts, choice))
            if rng.random() < 0.3:
                time.sleep(rng.random() * 0.01)
                rng.choice(open_)[0].cancel() if open_ else None
            for future, names, texts, choice in open_:
                self.ended(future, names, texts, choice)

    def async_client(self, service: Service, seed: int) -> None:
        rng = random.Random(seed)

        async def one() -> None:
            names, texts, choice = self.request(rng)
            try:
                call = service.translate_async(texts, route=names, failures="keep", **OPTIONS[choice])
                self.check(names, texts, choice, await asyncio.wait_for(call, rng.choice((60, 60, 0.005))))
            except TimeoutError:
                self.count("async timeouts")
            except (ModelError, OptionsError):
                self.count("unavailable")

        async def main() -> None:
            while not self.ending.is_set():
                await asyncio.gather(*(one() for _ in range(rng.randrange(1, 6))))

        asyncio.run(main())

    def administrator(self, seed: int) -> None:
        """Removes and adds models, drops them from memory, and makes loads fail for a moment."""
        rng = random.Random(seed)
        while not self.ending.wait(rng.random() * 0.02):
            name = rng.choice(sorted(self.paths))
            try:
                if rng.random() < 0.5:
                    self.fleet.unload(name)
                else:
                    self.fleet.remove(name)
                    if rng.random() < 0.2:
                        self.fleet.add(name, self.broken)
                        time.sleep(0.005)
                        self.fleet.remove(name)
                    self.fleet.add(name, self.paths[name], pinned=name == "m0")
                self.count("changes")
            except ModelNotFoundError:
                self.problems.append(f"{name} is gone")


@pytest.mark.slow
def test_soak(tmp_path: Path, spm_bytes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.fleet.holdings._FIRST_RETRY_S", 0.02)
    soak = Soak(tmp_path / "models", spm_bytes)
    service = Service(soak.fleet, workers=WORKERS, workspace="64 MB", queue_limit=100_000)
    threads = [threading.Thread(target=soak.client, args=(service, seed)) for seed in range(4)]
    threads += [threading.Thread(target=soak.async_client, args=(service, 10))]
    threads += [threading.Thread(target=soak.administrator, args=(20,))]
    for thread in threads:
        thread.start()
    sizes = []
    for _ in range(20):
        time.sleep(SECONDS / 20)
        memory = process_memory()
        sizes.append(memory.anonymous if memory else 0)
        assert soak.fleet.resident_bytes <= 1.2 * (soak.fleet.weights_budget or 0)
    soak.ending.set()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), f"{thread.name} hangs: {service.stats()}"
    stats = service.stats()
    service.shutdown(timeout=60)
    print(dict(soak.counts), sizes, stats)
    assert not soak.problems, soak.problems[:5]
    assert soak.counts["answers"] > 20 * SECONDS and soak.counts["changes"] > SECONDS
    assert stats.depth == stats.waiting == stats.queued == 0
    assert stats.submitted == stats.done + stats.failed + stats.cancelled
    for entry in soak.fleet.entries():
        assert entry.leases == entry.holds == 0 and not entry.users
    middle, late = sorted(sizes[7:13])[3], sorted(sizes[14:])[3]
    assert late - middle < MOST_GROWTH, sizes
    soak.fleet.close()
    assert soak.fleet.resident_bytes == 0
