"""Who asks: the key or the address of a request, and how often and how much it may ask."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request

from dragoman.server.faults import RequestError
from dragoman.server.keys import Key, KeyStore
from dragoman.server.settings import Settings

__all__ = ["Caller", "Callers"]

_MOST_REMEMBERED = 100_000
_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Caller:
    """``name``: for fairness and logs; ``key``: None where keys are not used."""

    name: str
    key: Key | None = None


class Callers:
    """Checks keys and rates. Used from the event loop only."""

    def __init__(self, settings: Settings, keys: KeyStore | None) -> None:
        self._settings, self._keys = settings, keys
        self._proxies = settings.proxies()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def keys_needed(self) -> bool:
        return self._keys is not None

    def identify(self, request: Request, stated: str = "", *, missing: int = 403) -> Caller:
        """Who asks, after counting the request.

        Args:
            stated: the key in the way of the API at hand, or "".
            missing: status where a key is needed and none is stated.

        Raises:
            RequestError: no key, a wrong one, or too many requests.
        """
        key = None
        if self._keys is not None:
            if not stated:
                raise RequestError(missing, "This server needs an API key.")
            key = self._keys.find(stated)
            if key is None:
                raise RequestError(403, "Invalid API key")
        name = f"key:{key.name}" if key is not None else f"address:{self.address(request)}"
        rate = key.rate if key is not None and key.rate is not None else self._settings.rate_limit
        if rate:
            self._count(name, rate)
        return Caller(name, key)

    def charge(self, caller: Caller, characters: int) -> None:
        """Raises RequestError (456, as DeepL) where the key's quota is used up."""
        if caller.key is not None and self._keys is not None and not self._keys.spend(caller.key, characters):
            raise RequestError(456, "Quota exceeded")

    def used(self, caller: Caller) -> tuple[int, int]:
        """Characters of this month, and how many there may be."""
        if caller.key is None or self._keys is None:
            return 0, 1_000_000_000_000
        return self._keys.used(caller.key.name), caller.key.char_quota or 1_000_000_000_000

    def address(self, request: Request) -> str:
        """Of the client; behind a trusted proxy what that says."""
        peer = request.client.host if request.client is not None else "unknown"
        if self.is_trusted(request):
            for hop in reversed(request.headers.get("x-forwarded-for", "").split(",")):
                if hop.strip() and not self._is_proxy(hop.strip()):
                    return hop.strip()[:64]
        return peer

    def is_trusted(self, request: Request) -> bool:
        """Whether the peer is a trusted proxy."""
        return request.client is not None and self._is_proxy(request.client.host)

    def is_local(self, request: Request) -> bool:
        """Asked from this very machine, and by no proxy."""
        forwarded = any(name.startswith(("forwarded", "x-forwarded")) for name in request.headers)
        if forwarded or request.client is None:
            return False
        try:
            return ipaddress.ip_address(request.client.host).is_loopback
        except ValueError:
            return False

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies if network.version == found.version)

    def _count(self, name: str, rate: int) -> None:
        """A bucket of ``rate`` requests that refills within a minute."""
        now = time.monotonic()
        left, since = self._buckets.pop(name, (float(rate), now))
        left = min(float(rate), left + (now - since) * rate / _WINDOW_S)
        allowed = left >= 1
        self._buckets[name] = (left - 1 if allowed else left, now)
        while len(self._buckets) > _MOST_REMEMBERED:
            self._buckets.popitem(last=False)
        if not allowed:
            raise RequestError(429, "Slowdown: too many requests", max(1, int((1 - left) * _WINDOW_S / rate) + 1))
