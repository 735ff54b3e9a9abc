"""Who is next: queues by priority, caller, model and request. A pure data structure: no threads, no clocks.

Sharing is by predicted time, not by count. In each priority callers get equal shares, a caller's models equal
shares of that, and the requests on a model equal shares again (start-time fair queueing at each level: what
was served least since it came is next, and what comes back after a pause does not make up for it). A batch
takes items of one key, and after those of the caller whose turn it is also those of others of the same
priority, the least served first.

Higher priorities go first. But a priority that got nothing for ``age_s`` seconds, while it had something ready, has the
next turn, whatever lies between: nothing waits for ever. Of several such the one that waited longest is next.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

__all__ = ["Item", "Scheduler", "Taken", "Ticket"]


class Item(Protocol):
    """Something to be done with one key (a model and options)."""

    @property
    def tokens(self) -> int:
        """Source pieces, possibly an estimate; at least 1."""
        ...


@dataclass(eq=False, slots=True)
class Ticket:
    """What a request is to the scheduler.

    Attributes:
        caller: who shares with others; requests of one caller share among themselves.
        priority: higher goes first.
        deadline: when it is given up, on the caller's clock.
        done: nothing of it is wanted any more.
    """

    caller: str = ""
    priority: int = 0
    deadline: float = math.inf
    done: bool = False


_Key = TypeVar("_Key", bound=Hashable)
_Item = TypeVar("_Item", bound=Item)


@dataclass(frozen=True, slots=True)
class Taken(Generic[_Key, _Item]):
    """Items for one batch, whole or in part."""

    key: _Key
    items: list[tuple[Ticket, _Item]]


@dataclass(eq=False, slots=True)
class _Queue(Generic[_Key, _Item]):
    """Items of one request for one key."""

    ticket: Ticket
    flow: _Flow[_Key, _Item]
    served: float
    items: deque[_Item] = field(default_factory=deque)


@dataclass(eq=False, slots=True)
class _Flow(Generic[_Key, _Item]):
    """Requests of one caller for one key, and who is next in ``heap`` (empty queues in it are stale)."""

    key: _Key
    caller: _Caller[_Key, _Item]
    served: float
    since: float
    now: float = 0.0
    items: int = 0
    tokens: int = 0
    queues: dict[Ticket, _Queue[_Key, _Item]] = field(default_factory=dict)
    heap: list[tuple[float, int, _Queue[_Key, _Item]]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Caller(Generic[_Key, _Item]):
    name: str
    level: _Level[_Key, _Item]
    served: float
    now: float = 0.0
    flows: dict[_Key, _Flow[_Key, _Item]] = field(default_factory=dict)
    ready: dict[_Key, _Flow[_Key, _Item]] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Level(Generic[_Key, _Item]):
    """One priority."""

    priority: int
    served_at: float = 0.0
    now: float = 0.0
    callers: dict[str, _Caller[_Key, _Item]] = field(default_factory=dict)
    ready: dict[str, _Caller[_Key, _Item]] = field(default_factory=dict)


class Scheduler(Generic[_Key, _Item]):
    """Items by key, caller, request and priority.

    Args:
        cost: predicted time for one token of a key, in any unit.
        age_s: see the module.
        fill_s: how long an item waits for others to fill its batch.
    """

    def __init__(self, cost: Callable[[_Key], float], *, age_s: float = 1.0, fill_s: float = 0.0) -> None:
        self._cost, self._age_s, self._fill_s = cost, age_s, fill_s
        self._levels: dict[int, _Level[_Key, _Item]] = {}
        self._flows: dict[_Key, dict[_Flow[_Key, _Item], None]] = {}
        self._queues: dict[Ticket, list[_Queue[_Key, _Item]]] = {}
        self._blocked: set[_Key] = set()
        self._deadlines: list[tuple[float, int, Ticket]] = []
        self._numbers = itertools.count()
        self.depth = 0

    def add(
        self, ticket: Ticket, key: _Key, items: Iterable[_Item], now: float, *, first: bool = False
    ) -> None:
        """Queue items of a request. ``first``: before its others, for what did not fit into its batch."""
        new = list(items)
        if not new:
            return
        flow = self._flow(ticket, key, now)
        queue = flow.queues.get(ticket)
        if queue is None:
            queue = flow.queues[ticket] = _Queue(ticket, flow, flow.now)
            heapq.heappush(flow.heap, (queue.served, next(self._numbers), queue))
            self._queues.setdefault(ticket, []).append(queue)
        if first:
            queue.items.extendleft(reversed(new))
        else:
            queue.items.extend(new)
        self._count(flow, len(new), sum(item.tokens for item in new))

    def take(
        self,
        now: float,
        *,
        max_items: int,
        max_tokens: int,
        prepare: Callable[[_Key], bool] = lambda key: True,
    ) -> Taken[_Key, _Item] | None:
        """Items for the next batch, or None if nothing is ready.

        Args:
            now: on the clock of `add`.
            max_items, max_tokens: of the batch; a single item may have more tokens.
            prepare: asked about the key whose turn it is. False: it cannot run, and has been blocked.
        """
        for level in self._by_urgency(now):
            while level.ready:
                flow = self._next_flow(level, now, max_items, max_tokens)
                if flow is None:
                    break
                if prepare(flow.key):
                    level.served_at = now
                    return Taken(flow.key, self._fill(flow, max_items, max_tokens))
                assert flow.key in self._blocked
        return None

    def wake_at(self) -> float:
        """When something becomes ready without anything being added, if batches wait to fill; else never."""
        if not self._fill_s:
            return math.inf
        flows = (flow for key, flows in self._flows.items() if key not in self._blocked for flow in flows)
        return min((flow.since + self._fill_s for flow in flows), default=math.inf)

    def drop(self, ticket: Ticket) -> list[_Item]:
        """Forget a request. Returns its items that were waiting."""
        ticket.done = True
        dropped: list[_Item] = []
        for queue in self._queues.get(ticket, [])[:]:
            dropped += self._empty(queue)
        return dropped

    def drop_key(self, ticket: Ticket, key: _Key) -> list[_Item]:
        """Forget what a request wants of one key; the rest of it goes on. Returns its items of that key."""
        for queue in self._queues.get(ticket, [])[:]:
            if queue.flow.key == key:
                return self._empty(queue)
        return []

    def block(self, key: _Key) -> None:
        """Nothing of this key can run for now: its model is not in memory."""
        self._blocked.add(key)
        for flow in self._flows.get(key, ()):
            self._set_ready(flow)

    def unblock(self, key: _Key) -> None:
        self._blocked.discard(key)
        for flow in self._flows.get(key, ()):
            self._set_ready(flow)

    def waiting(self, key: _Key) -> list[Ticket]:
        """Requests with items of this key."""
        return [ticket for flow in self._flows.get(key, ()) for ticket in flow.queues]

    def depths(self) -> dict[_Key, int]:
        """Waiting items by key."""
        return {key: sum(flow.items for flow in flows) for key, flows in self._flows.items()}

    def watch(self, ticket: Ticket) -> None:
        """From now on `expired` may return it."""
        if ticket.deadline < math.inf:
            heapq.heappush(self._deadlines, (ticket.deadline, next(self._numbers), ticket))

    def expired(self, now: float) -> list[Ticket]:
        """Requests whose deadline has come; each once, and none that is done."""
        found = []
        while self._deadlines and (self._deadlines[0][0] <= now or self._deadlines[0][2].done):
            ticket = heapq.heappop(self._deadlines)[2]
            if not ticket.done:
                found.append(ticket)
        return found

    def next_deadline(self) -> float:
        return self._deadlines[0][0] if self._deadlines else math.inf

    # -- choosing -------------------------------------------------------------------------------------------

    def _by_urgency(self, now: float) -> list[_Level[_Key, _Item]]:
        ready = [level for level in self._levels.values() if level.ready]
        if len(ready) > 1:
            ready.sort(key=lambda level: self._urgency(level, now))
        return ready

    def _urgency(self, level: _Level[_Key, _Item], now: float) -> tuple[float, int]:
        """The least is next."""
        starving = now - level.served_at >= self._age_s
        return level.served_at if starving else math.inf, -level.priority

    def _next_flow(
        self, level: _Level[_Key, _Item], now: float, max_items: int, max_tokens: int
    ) -> _Flow[_Key, _Item] | None:
        """Of the caller who got least, the key that got least."""
        if not self._fill_s:
            return min(min(level.ready.values(), key=_served).ready.values(), key=_served)
        for caller in sorted(level.ready.values(), key=_served):
            for flow in sorted(caller.ready.values(), key=_served):
                if self._is_ripe(flow, now, max_items, max_tokens):
                    return flow
        return None

    def _is_ripe(self, flow: _Flow[_Key, _Item], now: float, max_items: int, max_tokens: int) -> bool:
        if now >= flow.since + self._fill_s:
            return True
        alike = [other for other in self._flows[flow.key] if other.caller.level is flow.caller.level]
        return sum(one.items for one in alike) >= max_items or sum(one.tokens for one in alike) >= max_tokens

    def _fill(self, first: _Flow[_Key, _Item], max_items: int, max_tokens: int) -> list[tuple[Ticket, _Item]]:
        level = first.caller.level
        cost = self._cost(first.key)
        level.now = max(level.now, first.caller.served)
        first.caller.now = max(first.caller.now, first.served)
        flows = [flow for flow in self._flows[first.key] if flow.caller.level is level and flow is not first]
        heap = [(-math.inf, 0, first)]
        heap += [(flow.caller.served, number, flow) for number, flow in enumerate(flows, 1)]
        heapq.heapify(heap)
        taken: list[tuple[Ticket, _Item]] = []
        tokens = 0
        while heap and len(taken) < max_items:
            number, flow = heap[0][1:]
            queue = self._next_queue(flow)
            item = queue.items[0]
            if taken and tokens + item.tokens > max_tokens:
                break
            taken.append((queue.ticket, item))
            tokens += item.tokens
            self._charge(queue, item, cost)
            if flow.items:
                heapq.heapreplace(heap, (flow.caller.served, number, flow))
            else:
                heapq.heappop(heap)
        return taken

    def _next_queue(self, flow: _Flow[_Key, _Item]) -> _Queue[_Key, _Item]:
        while not flow.heap[0][2].items:
            heapq.heappop(flow.heap)
        return flow.heap[0][2]

    def _charge(self, queue: _Queue[_Key, _Item], item: _Item, cost: float) -> None:
        """The head of a queue, which is the head of its flow's heap, is taken."""
        flow, spent = queue.flow, item.tokens * cost
        queue.items.popleft()
        flow.now = max(flow.now, queue.served)
        queue.served += spent
        flow.served += spent
        flow.caller.served += spent
        if queue.items:
            heapq.heapreplace(flow.heap, (queue.served, next(self._numbers), queue))
        else:
            heapq.heappop(flow.heap)
            self._forget(queue)
        self._count(flow, -1, -item.tokens)

    # -- keeping the tree -----------------------------------------------------------------------------------

    def _flow(self, ticket: Ticket, key: _Key, now: float) -> _Flow[_Key, _Item]:
        level = self._levels.get(ticket.priority)
        if level is None:
            level = self._levels[ticket.priority] = _Level(ticket.priority)
        if not level.ready:
            level.served_at = now  # it did not wait before
        caller = level.callers.get(ticket.caller)
        if caller is None:
            caller = level.callers[ticket.caller] = _Caller(ticket.caller, level, level.now)
        flow = caller.flows.get(key)
        if flow is None:
            flow = caller.flows[key] = _Flow(key, caller, caller.now, now)
            self._flows.setdefault(key, {})[flow] = None
        return flow

    def _count(self, flow: _Flow[_Key, _Item], items: int, tokens: int) -> None:
        flow.items += items
        flow.tokens += tokens
        self.depth += items
        self._set_ready(flow)
        caller = flow.caller
        if not flow.items:
            del caller.flows[flow.key]
            of_key = self._flows[flow.key]
            del of_key[flow]
            if not of_key:
                del self._flows[flow.key]
            if not caller.flows:
                del caller.level.callers[caller.name]

    def _set_ready(self, flow: _Flow[_Key, _Item]) -> None:
        caller, level = flow.caller, flow.caller.level
        if flow.items and flow.key not in self._blocked:
            caller.ready[flow.key] = flow
        else:
            caller.ready.pop(flow.key, None)
        if caller.ready:
            level.ready[caller.name] = caller
        else:
            level.ready.pop(caller.name, None)

    def _empty(self, queue: _Queue[_Key, _Item]) -> list[_Item]:
        items = list(queue.items)
        queue.items.clear()
        self._forget(queue)
        self._count(queue.flow, -len(items), -sum(item.tokens for item in items))
        return items

    def _forget(self, queue: _Queue[_Key, _Item]) -> None:
        queue.flow.queues.pop(queue.ticket, None)
        queues = self._queues[queue.ticket]
        queues.remove(queue)
        if not queues:
            del self._queues[queue.ticket]


def _served(one: _Caller[_Key, _Item] | _Flow[_Key, _Item]) -> float:
    return one.served
