"""Uses of the public face as mypy --strict sees them; `test_typing` runs it over this file. Nothing here is executed.

A line that ends in ``# error: CODE`` must be an error of that code; all others must be none.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import assert_type

import numpy as np

import dragoman
from dragoman import DecodingOptions, FailedLine, Fleet, Model, Plan, Service, Translation, Translator


def loading(path: Path) -> None:
    assert_type(dragoman.load(path), Model)
    assert_type(dragoman.load("en-de", precision="int8", shortlist="none", compat="browsermt"), Model)
    files = dragoman.ModelFiles(path, (path, b"bytes"), options={"type": "nematus"})
    dragoman.load(files, shortlist=path)
    dragoman.load(path, precision="int4")  # error: arg-type
    dragoman.load(5)  # error: arg-type
    dragoman.load(path, beam_size=4)  # error: call-arg
    dragoman.ModelFiles(path)  # error: call-arg


def translating(model: Model, words: Iterator[str], table: np.ndarray) -> None:
    with Translator(model, threads=2) as translator:
        assert_type(translator.translate("text"), Translation)
        assert_type(translator.translate(["a", "b"]), list[Translation])
        assert_type(translator.translate(words), list[Translation])
        assert_type(translator.translate(word for word in ("a", "b")), list[Translation])
        assert_type(translator.translate("text", beam_size=4, n_best=2, alignment="hard"), Translation)
        assert_type(translator.translate("text", alignment=0.5, weights=[1, 2], target_prefix=["a", None]), Translation)
        assert_type(translator.translate("text", DecodingOptions(beam_size=2), split="none"), Translation)
        assert_type(translator.translate_stream(["a"], beam_size=2), Iterator[Translation | FailedLine])
        translator.translate("text", beam_size="4")  # error: call-overload
        translator.translate("text", beem_size=4)  # error: call-overload
        translator.translate("text", alignment="middle")  # error: call-overload
        translator.translate("text", split="words")  # error: call-overload
        translator.translate(5)  # error: call-overload
        translator.translate(None)  # error: call-overload
        translator.translate([1, 2])  # error: list-item
    Translator("models/ende")  # error: arg-type


def results(translation: Translation) -> None:
    assert_type(translation.text, str)
    assert_type(translation.score, float | None)
    assert_type(translation.tokens, tuple[str, ...])
    assert_type(translation.n_best[0].score, float)
    assert_type(translation.n_best[0].word_scores, tuple[float, ...] | None)
    for sentence in translation.sentences:
        assert_type(sentence.source, str)
        assert_type(sentence.score, float | None)
    translation.text = "x"  # error: misc
    print(translation.scores)  # error: attr-defined


def options() -> None:
    made = DecodingOptions(beam_size=4, n_best=2, long_lines="crop")
    assert_type(made.replace(beam_size=6), DecodingOptions)
    made.replace(beem_size=6)  # error: call-arg
    made.replace(beam_size="6")  # error: arg-type
    DecodingOptions(4)  # error: call-arg
    made.beam_size = 3  # error: misc


def many(path: Path, model: Model) -> None:
    fleet = Fleet(weights_budget="2 GB", idle_s=60.0)
    fleet.add("ende", path, pinned=True, languages=("en", "de"), precision="int8", compat="trained")
    fleet.add("other", "en-de")
    fleet.add("ende", path, precision="int4")  # error: arg-type
    fleet.add("ende", path, beam_size=4)  # error: call-arg
    fleet.add("ende", 5)  # error: arg-type
    assert_type(Fleet.from_directory(path, weights_budget=1 << 30), Fleet)
    Fleet.from_directory(path, budget=1 << 30)  # error: call-arg
    assert_type(fleet.names(), tuple[str, ...])
    with Service(fleet, workers=2) as service:
        assert_type(service.translate("text", model="ende"), Translation)
        assert_type(service.translate(["text"], model="ende", beam_size=2), list[Translation])
        assert_type(service.submit("text", model="ende"), Future[Translation])
        assert_type(service.submit(["text"], model="ende"), Future[list[Translation]])
        assert_type(service.memory().as_dict(), dict[str, object])
        service.translate("text", model=5)  # error: call-overload
        service.submit("text", model="ende", timeout="5")  # error: call-overload
    assert_type(model.plan, Plan)
    assert_type(model.plan.bytes(sentences=8, beam_size=2), int)
    model.plan.bytes(sentence=8)  # error: call-arg
    assert_type(model.languages, tuple[str, str] | None)
    model.precision = "int8"  # error: misc


async def waiting(service: Service) -> None:
    assert_type(await service.translate_async("text", model="ende"), Translation)
    assert_type(await service.translate_async(["text"], model="ende"), list[Translation])
    await service.translate_async("text", model="ende", beam="4")  # error: call-overload
