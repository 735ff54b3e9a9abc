"""The scheduler alone: no threads, and time is a number."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.service.scheduler import Scheduler, Ticket


@dataclass(frozen=True)
class Word:
    """An item. ``name`` tells items apart."""

    tokens: int = 10
    name: object = None


Queues = Scheduler[str, Word]


def make(costs: dict[str, float] | None = None, **settings: float) -> Queues:
    return Scheduler(lambda key: (costs or {}).get(key, 1.0), **settings)


def add(queues: Queues, ticket: Ticket, key: str, count: int, tokens: int = 10, now: float = 0.0) -> None:
    queues.add(ticket, key, [Word(tokens, number) for number in range(count)], now)


def batches(
    queues: Queues, count: int, now: float = 0.0, step_s: float = 0.0, size: int = 8
) -> list[tuple[str, list[Ticket]]]:
    found = []
    for _ in range(count):
        taken = queues.take(now, max_items=size, max_tokens=1 << 20)
        if taken is None:
            break
        found.append((taken.key, [ticket for ticket, _ in taken.items]))
        now += step_s
    return found


def shares(taken: Iterable[tuple[str, list[Ticket]]]) -> Counter[Ticket]:
    return Counter(ticket for _, tickets in taken for ticket in tickets)


def test_one_request_in_order() -> None:
    queues = make()
    ticket = Ticket()
    add(queues, ticket, "ende", 20)
    names = []
    while taken := queues.take(0, max_items=8, max_tokens=1000):
        assert taken.key == "ende" and len(taken.items) <= 8
        names += [item.name for _, item in taken.items]
    assert names == list(range(20)) and queues.depth == 0 and queues.depths() == {}


def test_batches_are_bounded_by_tokens() -> None:
    queues = make()
    queues.add(Ticket(), "ende", [Word(400), Word(400), Word(400), Word(5000), Word(1)], 0)
    sizes = []
    while taken := queues.take(0, max_items=64, max_tokens=1000):
        sizes.append([item.tokens for _, item in taken.items])
    assert sizes == [[400, 400], [400], [5000], [1]]


def test_what_did_not_fit_comes_first() -> None:
    queues = make()
    ticket = Ticket()
    add(queues, ticket, "ende", 3)
    queues.add(ticket, "ende", [Word(name="x"), Word(name="y")], 0, first=True)
    taken = queues.take(0, max_items=9, max_tokens=999)
    assert taken is not None and [item.name for _, item in taken.items] == ["x", "y", 0, 1, 2]


def test_a_batch_takes_along_other_callers() -> None:
    queues = make()
    tickets = [Ticket(f"caller {number}") for number in range(4)]
    for ticket in tickets:
        add(queues, ticket, "ende", 2)
    ((key, taken),) = batches(queues, 1)
    assert key == "ende" and Counter(taken) == dict.fromkeys(tickets, 2)


def test_a_bulk_caller_does_not_keep_others_waiting() -> None:
    queues = make()
    bulk, small = Ticket("bulk"), Ticket("small")
    add(queues, bulk, "ende", 1000)
    batches(queues, 3)
    add(queues, small, "ende", 1)
    assert small in batches(queues, 1)[0][1]


def test_requests_of_one_caller_share_too() -> None:
    queues = make()
    bulk, small = Ticket(), Ticket()
    add(queues, bulk, "ende", 1000)
    batches(queues, 3)
    add(queues, small, "ende", 1)
    assert small in batches(queues, 2)[0][1]


def test_models_share_by_predicted_time() -> None:
    """A model that is three times as slow gets a third of the tokens, hence the same time."""
    queues = make({"fast": 1.0, "slow": 3.0})
    fast, slow = Ticket("a"), Ticket("b")
    add(queues, fast, "fast", 4000)
    add(queues, slow, "slow", 4000)
    found = shares(batches(queues, 200))
    assert 2.8 < found[fast] / found[slow] < 3.2


def test_models_of_one_caller_share() -> None:
    queues = make()
    tickets = [Ticket() for _ in range(5)]
    for number, ticket in enumerate(tickets):
        add(queues, ticket, f"model {number}", 1000)
    found = Counter(key for key, _ in batches(queues, 50))
    assert set(found.values()) == {10}


def test_callers_share_whatever_the_number_of_their_models() -> None:
    queues = make()
    many, one = [Ticket("many") for _ in range(9)], Ticket("one")
    for number, ticket in enumerate(many):
        add(queues, ticket, f"model {number}", 1000)
    add(queues, one, "other", 1000)
    found = shares(batches(queues, 100))
    assert 0.45 < found[one] / sum(found.values()) < 0.55


def test_pauses_are_not_saved_up() -> None:
    """Who comes back is served at once, but does not get what it could have had."""
    queues = make()
    busy, back = Ticket("busy"), Ticket("back")
    add(queues, back, "b", 1)
    add(queues, busy, "a", 4000)
    batches(queues, 100)
    add(queues, back, "b", 4000)
    found = shares(batches(queues, 20))
    assert 0.4 < found[back] / sum(found.values()) < 0.6


def test_higher_priorities_go_first() -> None:
    queues = make()
    low, high = Ticket(), Ticket(priority=1)
    add(queues, low, "ende", 100)
    add(queues, high, "ende", 16)
    assert [set(tickets) for _, tickets in batches(queues, 3)] == [{high}, {high}, {low}]


def test_nothing_starves() -> None:
    queues = make(age_s=1.0)
    low, high = Ticket(priority=-100), Ticket(priority=100)
    add(queues, low, "a", 100)
    add(queues, high, "b", 100_000)
    found = batches(queues, 400, step_s=0.1)
    got = [number for number, (key, _) in enumerate(found) if key == "a"]
    assert got and max(b - a for a, b in zip([0, *got], got, strict=False)) <= 11, "a turn every second"
    assert len(got) <= 40, "and not many more"


def test_blocked_keys_wait_and_others_go_on() -> None:
    queues = make()
    first, second = Ticket("a"), Ticket("b")
    add(queues, first, "loading", 4)
    add(queues, second, "ready", 4)
    asked = []

    def prepare(key: str) -> bool:
        asked.append(key)
        if key == "loading":
            queues.block(key)
        return key != "loading"

    taken = queues.take(0, max_items=9, max_tokens=999, prepare=prepare)
    assert taken is not None and taken.key == "ready" and asked == ["loading", "ready"]
    assert queues.take(0, max_items=9, max_tokens=999) is None and queues.depth == 4
    queues.unblock("loading")
    assert [key for key, _ in batches(queues, 2)] == ["loading"]


def test_waiting_for_a_batch_to_fill() -> None:
    queues = make(fill_s=0.05)
    one, two = Ticket("a"), Ticket("b")
    add(queues, one, "ende", 3, now=10.0)
    assert batches(queues, 1, now=10.01) == [] and queues.wake_at() == pytest.approx(10.05)
    add(queues, two, "ende", 5, now=10.02)
    assert len(batches(queues, 1, now=10.03)[0][1]) == 8, "it is full"
    add(queues, one, "ende", 3, now=11.0)
    assert batches(queues, 1, now=11.04) == []
    assert len(batches(queues, 1, now=11.06)[0][1]) == 3, "it waited long enough"


def test_deadlines() -> None:
    queues = make()
    tickets = [Ticket(deadline=when) for when in (3.0, 1.0, 2.0)]
    for ticket in tickets:
        add(queues, ticket, "ende", 1)
        queues.watch(ticket)
    assert queues.expired(0.5) == [] and queues.next_deadline() == 1.0
    queues.drop(tickets[2])
    assert queues.expired(2.5) == [tickets[1]]
    assert queues.expired(9.0) == [tickets[0]] and queues.expired(9.0) == []


def test_dropping_a_request() -> None:
    queues = make()
    one, two = Ticket(), Ticket()
    for key in ("a", "b"):
        add(queues, one, key, 3)
        add(queues, two, key, 2)
    assert [len(queues.drop_key(one, "a")), len(queues.drop_key(one, "a"))] == [3, 0]
    assert len(queues.drop(one)) == 3 and one.done
    assert queues.depths() == {"a": 2, "b": 2} and queues.waiting("a") == [two]
    assert set(shares(batches(queues, 9))) == {two} and queues.depth == 0


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 30))
def test_nothing_is_lost_or_done_twice(seed: int) -> None:
    """Random additions, batches, returns, drops, blocked keys: every item comes out once, or was dropped."""
    rng = random.Random(seed)
    queues = make(fill_s=rng.choice([0.0, 0.01]))
    tickets = [Ticket(f"c{rng.randrange(3)}", rng.randrange(-1, 2)) for _ in range(6)]
    expected: dict[object, Ticket] = {}
    done: Counter[object] = Counter()
    blocked: set[str] = set()
    names = 0
    now = 0.0
    for _ in range(rng.randrange(5, 60)):
        now += rng.random() * 0.02
        action = rng.random()
        key = f"m{rng.randrange(4)}"
        if action < 0.4:
            ticket = rng.choice(tickets)
            if ticket.done:
                continue
            items = [Word(rng.randrange(1, 50), names + number) for number in range(rng.randrange(1, 12))]
            names += len(items)
            expected.update((item.name, ticket) for item in items)
            queues.add(ticket, key, items, now, first=rng.random() < 0.2)
        elif action < 0.8:
            taken = queues.take(now, max_items=rng.randrange(1, 9), max_tokens=rng.randrange(1, 100))
            if taken is None:
                continue
            assert taken.key not in blocked
            back = rng.random() < 0.2
            for ticket, item in taken.items:
                if back:
                    queues.add(ticket, taken.key, [item], now, first=True)
                else:
                    done[item.name] += 1
        elif action < 0.85:
            ticket = rng.choice(tickets)
            for item in queues.drop(ticket):
                del expected[item.name]
        elif action < 0.95:
            (queues.block if rng.random() < 0.5 else queues.unblock)(key)
            (blocked.add if key in queues._blocked else blocked.discard)(key)
    for key in blocked:
        queues.unblock(key)
    while taken := queues.take(now + 99, max_items=5, max_tokens=60):
        done.update(item.name for _, item in taken.items)
    assert done == dict.fromkeys(expected, 1)
    assert queues.depth == 0 and queues.depths() == {} and not queues._queues
    assert not any(level.callers or level.ready for level in queues._levels.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(0, 1 << 30))
def test_backlogged_callers_get_equal_times(lengths: list[int], seed: int) -> None:
    """However long their sentences are, and whatever their models cost."""
    rng = random.Random(seed)
    costs = {f"m{number}": rng.uniform(0.5, 5) for number in range(3)}
    queues = make(costs)
    spent: Counter[str] = Counter()
    for number, tokens in enumerate(lengths):
        add(queues, Ticket(f"c{number}"), f"m{rng.randrange(3)}", 3000, tokens=tokens)
    for _ in range(150):
        taken = queues.take(0, max_items=16, max_tokens=1 << 20)
        assert taken is not None
        for ticket, item in taken.items:
            spent[ticket.caller] += item.tokens * costs[taken.key]
    largest = 16 * max(lengths) * 5
    assert max(spent.values()) - min(spent.get(f"c{n}", 0) for n in range(len(lengths))) <= 2 * largest
