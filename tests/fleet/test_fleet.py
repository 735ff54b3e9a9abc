"""A fleet with invented models: who is in memory, who leaves, who waits."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from fleet_tools import FakeLoader, wait_for

from dragoman import Fleet, ModelError, ModelNotFoundError, OptionsError, ServiceClosedError
from dragoman.fleet.entries import Claim, Entry


def make(loader: FakeLoader, names: str = "abcdef", **arguments: object) -> Fleet:
    fleet = Fleet(loader=loader, **arguments)  # type: ignore[arg-type]
    for name in names:
        fleet.add(name, name)
        fleet._entries[name]._size = 100  # as if it had been loaded before
    return fleet


@pytest.fixture
def loader() -> Iterator[FakeLoader]:
    made = FakeLoader()
    yield made
    made.gate.set()


def use(fleet: Fleet, names: str) -> None:
    for name in names:
        with fleet.lease(name):
            pass


def resident(fleet: Fleet) -> str:
    return "".join(sorted(entry.name for entry in fleet.entries() if entry.model is not None))


def claim(fleet: Fleet, *names: str) -> tuple[tuple[Entry, ...], Claim, Future[object]]:
    """What a service does for a request."""
    entries = fleet.look(names)
    fleet.enter(entries, entries)
    done: Future[object] = Future()
    return entries, fleet.claim(entries, done.set_result), done


def test_loaded_on_first_use_and_once(loader: FakeLoader) -> None:
    with make(loader) as fleet:
        assert loader.calls == [] and fleet.names() == tuple("abcdef") and "a" in fleet and len(fleet) == 6
        use(fleet, "aaba")
        assert loader.calls == ["a", "b"] and resident(fleet) == "ab" and fleet.resident_bytes == 200


def test_many_wait_for_one_load(loader: FakeLoader) -> None:
    loader.gate.clear()
    with make(loader) as fleet, ThreadPoolExecutor(16) as pool:
        done = [pool.submit(use, fleet, "a") for _ in range(16)]
        wait_for(lambda: loader.calls)
        loader.gate.set()
        for future in done:
            future.result(5)
        assert loader.calls == ["a"]


def test_loading_does_not_block_others(loader: FakeLoader) -> None:
    with make(loader) as fleet:
        use(fleet, "b")
        loader.gate.clear()
        *_, done = claim(fleet, "a")
        wait_for(lambda: loader.calls == ["b", "a"])
        use(fleet, "bbb")
        fleet.add("g", "g")
        fleet.remove("g")
        assert not done.done()
        loader.gate.set()
        assert done.result(5) is None


def test_least_recently_used_leaves(loader: FakeLoader) -> None:
    with make(loader, weights_budget=300) as fleet:
        use(fleet, "abcad")
        assert resident(fleet) == "acd"
        use(fleet, "b")
        assert resident(fleet) == "abd" and fleet.resident_bytes == 300


@pytest.mark.parametrize(("policy", "left"), [("lfu", "aad"), ("fifo", "bcd"), ("largest-first", "abd")])
def test_other_policies(loader: FakeLoader, policy: str, left: str) -> None:
    loader.sizes = {"c": 120}
    with make(loader, weights_budget=330, policy=policy) as fleet:
        fleet._entries["c"]._size = 120
        use(fleet, "aaabbcaa" + "d")
        assert len(resident(fleet)) == 3 and set(left) <= set(resident(fleet))


def test_pinned_models_stay(loader: FakeLoader) -> None:
    with make(loader, weights_budget=200) as fleet:
        fleet.add("p", "p", pinned=True)
        use(fleet, "pabcd")
        assert resident(fleet) == "dp"
        fleet.unload("p")
        assert resident(fleet) == "d"


def test_what_never_fits_fails_at_once(loader: FakeLoader) -> None:
    with make(loader, weights_budget=150) as fleet:
        fleet.add("p", "p", pinned=True)
        use(fleet, "p")
        with pytest.raises(ModelError, match=r"do not fit into weights_budget.*raise it"):
            use(fleet, "a")


def test_budget_waits_for_batches(loader: FakeLoader) -> None:
    """A model that a batch runs on does not leave; who needs its room waits until the batch is done."""
    with make(loader, weights_budget=200) as fleet:
        with fleet.lease("a"), fleet.lease("b"):
            _, held, done = claim(fleet, "c")
            assert not done.done() and resident(fleet) == "ab"
        assert done.result(5) is None and fleet.resident_bytes <= 200
        fleet.release_claim(held)


def test_a_model_that_was_waited_for_is_used_before_it_leaves(loader: FakeLoader) -> None:
    with make(loader, weights_budget=100) as fleet:
        entries, held, done = claim(fleet, "a")
        assert done.result(5) is None
        *_, next_done = claim(fleet, "b")
        assert not next_done.done() and resident(fleet) == "a"
        assert fleet.acquire(entries, claimed=True) is not None
        fleet.release_claim(held)
        assert not next_done.done()
        fleet.release(entries)
        assert next_done.result(5) is None and resident(fleet) == "b"


def test_ensembles_do_not_deadlock(loader: FakeLoader) -> None:
    """Two ensembles, and room for one: members come together or not at all."""
    with make(loader, weights_budget=200) as fleet, ThreadPoolExecutor(8) as pool:

        def run(names: str) -> None:
            for _ in range(10):
                entries, held, done = claim(fleet, *names)
                assert done.result(5) is None
                assert fleet.acquire(entries, claimed=True) is not None
                fleet.release_claim(held)
                fleet.release(entries)
                fleet.leave(entries)

        for future in [pool.submit(run, names) for names in ("ab", "cd", "bc", "da", "a")]:
            future.result(20)
        assert fleet.resident_bytes <= 200


def test_failed_loads_fail_alone_and_are_tried_again(
    loader: FakeLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dragoman.fleet.holdings._FIRST_RETRY_S", 0.2)
    loader.failing.add("a")
    with make(loader) as fleet:
        with pytest.raises(ModelError, match="a is broken"):
            use(fleet, "a")
        use(fleet, "b")
        with pytest.raises(ModelError, match="a is broken"):
            use(fleet, "a")
        assert loader.calls == ["a", "b"], "not tried again at once"
        loader.failing.clear()
        wait_for(lambda: _works(fleet, "a"))
        assert loader.calls == ["a", "b", "a"]


def _works(fleet: Fleet, name: str) -> bool:
    try:
        use(fleet, name)
    except ModelError:
        return False
    return True


def test_any_exception_of_a_loader_is_a_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: object, **options: object) -> None:
        raise MemoryError("no more")

    fleet = Fleet(loader=broken)  # type: ignore[arg-type]
    fleet.add("a", "a")
    with fleet, pytest.raises(ModelError, match="a: loading failed: MemoryError: no more"):
        use(fleet, "a")


def test_removed_models_die_at_once(loader: FakeLoader) -> None:
    with make(loader) as fleet:
        with fleet.lease("a") as model:
            gone = weakref.ref(model)
            del model
            fleet.remove("a")
            assert gone() is not None, "it is in use"
            with pytest.raises(ModelNotFoundError):
                fleet.look(("a",))
            fleet.add("a", "another")
        gc.disable()
        try:
            assert gone() is None, "by reference counting alone"
        finally:
            gc.enable()
        assert fleet.resident_bytes == 0 and len(fleet.entries()) == 6


def test_requests_under_way_may_load_a_removed_model(loader: FakeLoader) -> None:
    with make(loader) as fleet:
        entries = fleet.look(("a",))
        fleet.enter("request", entries)
        fleet.remove("a")
        with pytest.raises(ModelNotFoundError):
            fleet.enter("another", entries)
        done: Future[object] = Future()
        held = fleet.claim(entries, done.set_result)
        assert done.result(5) is None and resident(fleet) == "a"
        fleet.release_claim(held)
        assert resident(fleet) == "a"
        fleet.leave("request")
        fleet.leave("request")
        assert resident(fleet) == "" and fleet.resident_bytes == 0


def test_removed_while_it_loads(loader: FakeLoader) -> None:
    loader.gate.clear()
    with make(loader) as fleet:
        entries, held, _ = claim(fleet, "a")
        wait_for(lambda: loader.calls)
        fleet.remove("a")
        fleet.release_claim(held)
        fleet.leave(entries)
        loader.gate.set()
        wait_for(lambda: not fleet.resident_bytes)
        assert len(fleet.entries()) == 5


def test_idle_models_leave(loader: FakeLoader) -> None:
    with make(loader, idle_s=0.05) as fleet:
        use(fleet, "ab")
        assert fleet.sweep() == pytest.approx(0.0125) and resident(fleet) == "ab"
        with fleet.lease("b"):
            wait_for(lambda: (fleet.sweep(), resident(fleet))[1] == "b")
        assert make(loader).sweep() is None


def test_estimates_are_corrected(loader: FakeLoader) -> None:
    """A model is larger than its file said: others leave afterwards."""
    loader.sizes = {"b": 250}
    with make(loader, weights_budget=300) as fleet:
        use(fleet, "ab")
        wait_for(lambda: resident(fleet) == "b")
        assert fleet.resident_bytes == 250


def test_wrong_settings(loader: FakeLoader) -> None:
    for arguments in (
        {"weights_budget": 0},
        {"weights_budget": "lots"},
        {"loaders": 0},
        {"idle_s": -1},
        {"policy": "random"},
    ):
        with pytest.raises(OptionsError):
            Fleet(**arguments)  # type: ignore[arg-type]
    with make(loader) as fleet:
        with pytest.raises(OptionsError, match="new"):
            fleet.add("a", "b")
        with pytest.raises(
            ModelNotFoundError, match=r"zz: there is no model of this name.*Found there: a, b"
        ):
            fleet.remove("zz")


def test_closed_and_forked_fleets_say_so(loader: FakeLoader) -> None:
    fleet = make(loader)
    use(fleet, "a")
    fleet._pid += 1
    with pytest.raises(ServiceClosedError, match="inherited by a fork: create a new Service"):
        fleet.names()
    fleet._pid = os.getpid()
    fleet.close()
    assert fleet.resident_bytes == 0
    with pytest.raises(ServiceClosedError):
        use(fleet, "a")


def test_hammered_by_threads(loader: FakeLoader) -> None:
    """Uses, removals, additions and unloading from many threads: counts are right in the end."""
    loader.delay_s = 0.0002
    with make(loader, weights_budget=300) as fleet:
        stop = threading.Event()

        def worker(seed: int) -> None:
            import random

            rng = random.Random(seed)
            while not stop.is_set():
                name = rng.choice("abcdef")
                try:
                    if rng.random() < 0.8:
                        with fleet.lease(name) as model:
                            assert model.name == name  # type: ignore[attr-defined]
                    elif rng.random() < 0.5:
                        fleet.unload(name)
                    else:
                        fleet.remove(name)
                        fleet.add(name, name)
                        fleet._entries[name]._size = 100
                except (ModelNotFoundError, OptionsError, KeyError):
                    pass

        with ThreadPoolExecutor(6) as pool:
            futures = [pool.submit(worker, seed) for seed in range(6)]
            threading.Event().wait(1.5)
            stop.set()
            for future in futures:
                future.result(10)
        for entry in fleet.entries():
            assert entry.leases == entry.holds == 0 and not entry.users and not entry.loading
        assert fleet.resident_bytes == 100 * len(resident(fleet)) <= 300
        assert not fleet._leaving and not fleet._waiting
