"""What may be set of a server: one table for flags, environment and file."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from dragoman.errors import DragomanError, OptionsError
from dragoman.units import parse_bytes

__all__ = ["Settings", "environment_names", "read_settings"]


def _setting(default: object, about: str, *environment: str, least: float | None = None) -> Any:
    metadata = MappingProxyType({"about": about, "environment": environment, "least": least})
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything has the default that ``dragoman serve`` has. Raises OptionsError for what is out of range."""

    models: str = _setting("", "folder of models; else those that were pulled and those that come along")
    host: str = _setting("127.0.0.1", "address to listen on", "LT_HOST")
    port: int = _setting(5000, "port to listen on; 0 picks one", "LT_PORT", least=0)
    workers: int = _setting(2, "threads that translate", "LT_THREADS", least=1)
    weights_budget: str = _setting("2GB", "most bytes of models in memory")
    api_keys: str = _setting("", "file of keys (`dragoman keys`); none: anyone may ask", "LT_API_KEYS_DB_PATH")
    char_limit: int = _setting(0, "most characters of a request; 0: no limit", "LT_CHAR_LIMIT", least=0)
    batch_limit: int = _setting(0, "most texts of a request; 0: no limit", "LT_BATCH_LIMIT", least=0)
    rate_limit: int = _setting(0, "requests a minute for a key or an address; 0: no limit", "LT_REQ_LIMIT", least=0)
    queue_limit: int = _setting(2_000_000, "most characters that wait or run", least=1)
    body_limit: str = _setting("64MB", "most bytes of a request")
    request_timeout: float = _setting(600.0, "seconds after which a request is given up", least=0.001)
    idle_timeout: float = _setting(30.0, "seconds that a client may keep silent", least=0.001)
    drain_timeout: float = _setting(30.0, "seconds to finish what runs when the server ends", least=0)
    file_lifetime: float = _setting(1800.0, "seconds that a translated file can be fetched", least=1)
    url_prefix: str = _setting("", "path before all others, such as /translate", "LT_URL_PREFIX")
    trusted_proxies: str = _setting("", "networks whose X-Forwarded headers hold, such as 10.0.0.0/8,::1")
    cors: str = _setting("", "origins whose pages may ask, separated by commas; * for all")
    alternatives_limit: int = _setting(5, "most alternatives of a translation", "LT_ALTERNATIVES_LIMIT", least=0)
    metrics_open: bool = _setting(False, "let anyone read /metrics")
    web: bool = _setting(True, "serve the web page")

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for entry in fields(self):
            object.__setattr__(self, entry.name, _checked(entry.name, getattr(self, entry.name), hints[entry.name]))
            least = entry.metadata["least"]
            if least is not None and getattr(self, entry.name) < least:
                raise OptionsError(entry.name, getattr(self, entry.name), f"at least {least:g}")
        if self.port > 65535:
            raise OptionsError("port", self.port, "0 to 65535")
        parse_bytes("weights_budget", self.weights_budget)
        parse_bytes("body_limit", self.body_limit)
        prefix = "/" + self.url_prefix.strip("/") if self.url_prefix.strip("/") else ""
        object.__setattr__(self, "url_prefix", prefix)
        self.proxies()

    def proxies(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The trusted networks."""
        try:
            return tuple(ipaddress.ip_network(one.strip()) for one in self.trusted_proxies.split(",") if one.strip())
        except ValueError:
            raise OptionsError("trusted_proxies", self.trusted_proxies, "networks such as 10.0.0.0/8,::1") from None

    @property
    def body_bytes(self) -> int:
        return parse_bytes("body_limit", self.body_limit)


def _checked(name: str, value: object, kind: object) -> object:
    """Texts of the environment become numbers and truths."""
    if kind is bool:
        if isinstance(value, str) and value.lower() in ("1", "true", "yes", "on", "0", "false", "no", "off", ""):
            return value.lower() in ("1", "true", "yes", "on")
        if isinstance(value, bool):
            return value
        raise OptionsError(name, value, "true or false")
    if kind in (int, float) and not isinstance(value, bool):
        try:
            number = float(value)  # type: ignore[arg-type]
            if kind is float and number == number:
                return number
            if number == int(number):
                return int(number)
        except (TypeError, ValueError, OverflowError):
            pass
    if kind is str and isinstance(value, str):
        return value
    wanted = {int: "a whole number", float: "a number", str: "a text"}[kind]  # type: ignore[index]
    raise OptionsError(name, value, wanted)


def environment_names(name: str) -> tuple[str, ...]:
    """Variables that set a setting, the strongest first."""
    entry = next(one for one in fields(Settings) if one.name == name)
    return (f"DRAGOMAN_{name.upper()}", *entry.metadata["environment"])


def read_settings(
    flags: Mapping[str, object], *, file: Path | str | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Flags before environment before file before defaults.

    Raises:
        OptionsError: a name that is no setting, or a value out of range.
        DragomanError: the file cannot be read.
    """
    values: dict[str, object] = {}
    known = {entry.name for entry in fields(Settings)}
    if file is not None:
        try:
            values = dict(tomllib.loads(Path(file).read_text("utf-8")))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DragomanError(f"{file}: settings cannot be read: {error}") from None
        values = {name.replace("-", "_"): value for name, value in values.items()}
    surroundings = os.environ if environment is None else environment
    for name in known:
        for variable in reversed(environment_names(name)):
            if variable in surroundings:
                values[name] = surroundings[variable]
    values.update({name: value for name, value in flags.items() if value is not None})
    for name in values:
        if name not in known:
            raise OptionsError("settings", name, "one of " + ", ".join(sorted(known)))
    return Settings(**values)  # type: ignore[arg-type]
