"""A translator's life: every way to end it, to interrupt it and to call it wrongly, on one thread and on several."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fleet_tools import TEXTS, wait_for

from dragoman import (
    FailedLine,
    OptionsError,
    TextTooLongError,
    Translation,
    Translator,
    TranslatorClosedError,
    load,
)

Alone = dict[tuple[str, str], Translation]
SLOW: dict[str, Any] = {"max_length": 2000, "beam_size": 2, "split": "none"}
LONG = "abc de fghi " * 600
MANY = [LONG] * 20
"""Takes minutes with SLOW."""


@pytest.fixture(params=[1, 2, 3], ids=["1 thread", "2 threads", "3 threads"])
def translator(request: pytest.FixtureRequest, folders: Path) -> Iterator[Translator]:
    with Translator(load(folders / "m1"), threads=request.param) as made:
        yield made


def helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dragoman"]


def background(work: Any) -> tuple[threading.Thread, list[BaseException]]:
    """Runs something that should fail on another thread."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def test_many_callers(translator: Translator, alone: Alone) -> None:
    found: dict[int, list[Translation]] = {}

    def call(number: int) -> None:
        found[number] = translator.translate(TEXTS[number:])

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {number: [alone["m1", text] for text in TEXTS[number:]] for number in range(8)}
    assert len(helpers()) < translator._crew.size


def test_closed(translator: Translator) -> None:
    """Every method says so, at once; closing twice is fine."""
    stream = translator.translate_stream(TEXTS)
    next(stream)
    late = translator.translate_stream(TEXTS)
    translator.close()
    translator.close()
    for work in (
        lambda: translator.translate("abc"),
        lambda: translator.translate([]),
        lambda: translator.translate(TEXTS),
        lambda: translator.translate_stream([]),
        lambda: next(late),
    ):
        with pytest.raises(TranslatorClosedError, match="create a new Translator"):
            work()
    assert not helpers() and "closed" in repr(translator)


def test_closing_while_others_work_and_wait(translator: Translator) -> None:
    callers = [background(lambda: translator.translate(MANY, **SLOW)) for _ in range(5)]
    time.sleep(0.2)
    begun = time.monotonic()
    translator.close()
    assert time.monotonic() - begun < 2
    for thread, errors in callers:
        thread.join(5)
        assert not thread.is_alive() and isinstance(errors[0], TranslatorClosedError)
    assert not helpers()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, ValueError])
def test_an_interrupt_stops_what_runs(translator: Translator, alone: Alone, kind: type[BaseException]) -> None:
    """An exception of a signal's handler ends the call at once, on one thread too, and the translator goes on."""

    def handle(*_: object) -> None:
        raise kind

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        for _ in range(3):
            timer = threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            begun = time.monotonic()
            with pytest.raises(kind):
                translator.translate(MANY[:3], **SLOW)
            assert time.monotonic() - begun < 5
            assert translator.translate(TEXTS) == [alone["m1", text] for text in TEXTS]
            wait_for(lambda: not translator._crew._calls)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_an_abandoned_iterator_stops(translator: Translator, alone: Alone) -> None:
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for text in TEXTS * 100:
            read += 1
            yield text

    for _ in translator.translate_stream(texts(), lines_ahead=10):
        break
    assert read == 10 and not translator._crew._calls
    with pytest.raises(ZeroDivisionError):
        translator.translate(1 / 0 if number else "abc" for number in range(2))  # type: ignore[arg-type]
    assert translator.translate(TEXTS[0]) == alone["m1", TEXTS[0]]


def test_one_line_that_fails(translator: Translator, alone: Alone) -> None:
    texts = [*TEXTS[:4], LONG, *TEXTS[4:8]]
    with pytest.raises(TextTooLongError):
        translator.translate(texts, long_lines="refuse")
    small = Translator(translator.models[0], threads=translator._crew.size, workspace_limit=300_000)
    with small:
        found = list(small.translate_stream(texts, max_length=10_000))
        assert [number for number, one in enumerate(found) if isinstance(one, FailedLine)] == [4]
        assert found[:4] == [alone["m1", text] for text in TEXTS[:4]]


def test_forked_children_go_on(translator: Translator, alone: Alone) -> None:
    """Also while other threads of the parent are in the midst of it."""
    other, _ = background(lambda: translator.translate(MANY, **SLOW))
    wait_for(lambda: translator._crew._calls)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"wrong"
        try:
            signal.alarm(20)
            if translator.translate(TEXTS) == [alone["m1", text] for text in TEXTS]:
                translator.close()
                answer = b"right"
        except BaseException as error:
            answer = repr(error).encode()
        os.write(write, answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"right"
    assert os.waitpid(child, 0)[1] == 0
    translator.close()
    other.join(5)
    assert not other.is_alive()


def test_dropped_translators_leave_no_thread(folders: Path) -> None:
    translator = Translator(load(folders / "m1"), threads=3)
    translator.translate(TEXTS * 20, split="none")
    assert len(helpers()) == 2
    del translator
    wait_for(lambda: not helpers())


def test_a_seat_that_an_interrupt_lost_is_made_again(folders: Path, alone: Alone) -> None:
    with Translator(load(folders / "m1")) as translator:
        seat = translator._crew._seats._free.get()
        assert seat is not None
        seat._home = translator._crew._seats.__class__(0, 1)  # it goes elsewhere
        del seat
        assert translator.translate(TEXTS[0]) == alone["m1", TEXTS[0]]


def test_no_thread_can_be_started(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Translator(load(folders / "m1")) as one:
        expected = one.translate(TEXTS, split="none") * 10
    with Translator(load(folders / "m1"), threads=4) as translator:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        assert translator.translate(TEXTS * 10, split="none") == expected
        monkeypatch.undo()
        assert translator.translate(TEXTS * 10, split="none") == expected
        assert len(helpers()) == 3


NO_THREADS = """
import resource, sys, threading, dragoman
model = dragoman.load(sys.argv[1])
texts = [f"abc de {number}" for number in range(100)]
with dragoman.Translator(model, threads=3) as translator:
    expected = [translator.translate(text).text for text in texts]
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (4 << 20), resource.RLIM_INFINITY))
    try:
        threading.Thread(target=print).start()
        print("there are threads")
    except RuntimeError:
        print([one.text for one in translator.translate(texts)] == expected)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_the_system_has_no_threads_left(folders: Path) -> None:
    """Nobody on the way starts one, SentencePiece neither."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", NO_THREADS, str(folders / "m1")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.stdout == "True\n", done.stdout + done.stderr


EXIT = """
import sys, threading, time, dragoman
translator = dragoman.Translator(dragoman.load(sys.argv[1]), threads=int(sys.argv[2]))
def work():
    while True:
        translator.translate(["abc de fghi " * 600] * 20, max_length=2000, beam_size=2, split="none")
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
print("leaving")
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_the_interpreter_ends_while_daemons_work(folders: Path, threads: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", EXIT, str(folders / "m1"), str(threads)]
    for _ in range(3):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stdout) == (0, "leaving\n"), done.stderr


@pytest.mark.parametrize(
    "texts", [None, 0, False, 5, 1.5, b"abc", bytearray(b"abc"), {"a": "b"}, object(), np.array("abc"), len]
)
def test_what_is_no_text(translator: Translator, texts: Any) -> None:
    for method in (translator.translate, translator.translate_stream):
        with pytest.raises(OptionsError, match=r"^texts is "):
            method(texts)


@pytest.mark.parametrize("wrong", [[None], ["abc", 1], ("abc", b"abc"), [["abc"]], [np.int64(3)]])
def test_what_is_no_list_of_texts(translator: Translator, wrong: Any) -> None:
    for texts in (wrong, iter(wrong)):
        with pytest.raises(OptionsError, match=r"^texts\[[01]\] is "):
            translator.translate(texts)


def test_all_that_gives_texts(translator: Translator, alone: Alone) -> None:
    expected = [alone["m1", text] for text in TEXTS]
    for texts in (tuple(TEXTS), iter(TEXTS), (text for text in TEXTS), np.array(TEXTS), np.array(TEXTS, object)):
        assert translator.translate(texts) == expected
    assert translator.translate(dict.fromkeys(TEXTS).keys()) == [alone["m1", text] for text in dict.fromkeys(TEXTS)]
    assert translator.translate(iter(())) == [] == translator.translate([])
    prefixes = ["ab" if number % 3 else "" for number in range(len(TEXTS))]
    assert translator.translate(iter(TEXTS), target_prefix=prefixes) == translator.translate(
        TEXTS, target_prefix=prefixes
    )


def test_generators_are_read_in_portions(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.run.texts._LINES_AHEAD", 7)
    with pytest.raises(OptionsError, match=r"texts\[23\]"):
        translator.translate(3 if number == 23 else "abc" for number in range(10**9))  # type: ignore[arg-type]


def test_what_is_no_model(folders: Path) -> None:
    for wrong in ("models/ende", Path("models/ende"), b"models/ende"):
        with pytest.raises(OptionsError, match=r"dragoman\.load\(path\)"):
            Translator(wrong)  # type: ignore[arg-type]
    for other in (None, 5, [], [None], object()):
        with pytest.raises(OptionsError, match=r"^model is .*dragoman\.load"):
            Translator(other)  # type: ignore[arg-type]
    for arguments in ({"threads": True}, {"threads": 0}, {"threads": 1.5}, {"threads": "2"}, {"workspace_limit": None}):
        with pytest.raises(OptionsError, match=f"^{next(iter(arguments))} is"):
            Translator(load(folders / "m0"), **arguments)
    assert repr(Translator(load(folders / "m0"), threads=2)) == "<dragoman.Translator: model.npz, 2 threads>"
