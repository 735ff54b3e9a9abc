"""What a prepared file says of its model: a typed record, so that opening it builds neither a graph nor a plan."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PreparedFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFacts:
    """What loading and scheduling need to know of a model.

    Attributes:
        name: the digest of all that the weights are made of (`dragoman.weights.store.Key`).
        made_of: the model's file, for people.
        architecture: for people, such as "transformer 6+2 layers ...".
        compat: which Marian it decodes as.
        signature: of the plan.
        precision: "float32", "int8" or "int8-rows".
        parameter_count: numbers in the model file.
        source_rows: rows of the source embeddings.
        right_to_left: the model writes from the end.
        cost: float multiply-adds for each source piece (`dragoman.planning.cost`).
        shortlist: ``first`` and ``best``, or None.
    """

    name: str
    made_of: str
    architecture: str
    compat: str
    signature: str
    precision: str
    parameter_count: int
    source_rows: int
    right_to_left: bool
    cost: float
    shortlist: tuple[int, int] | None

    def encode(self, details: str) -> bytes:
        """JSON for `dragoman.formats.prepared.encode_head`; ``details``: JSON of what few need, kept as text."""
        return json.dumps(
            {**dataclasses.asdict(self), "details": details}, ensure_ascii=False, separators=(",", ":")
        ).encode("utf-8", "surrogateescape")  # paths may be any bytes

    @classmethod
    def decode(cls, text: bytes) -> tuple[PreparedFacts, str]:
        """Facts and details. Raises ValueError unless every field is there, of its type, and no other."""
        stored = json.loads(text.decode("utf-8", "surrogateescape"))
        if not isinstance(stored, dict):
            raise ValueError("the facts are no record")
        details = stored.pop("details", None)
        shortlist = stored.get("shortlist")
        if isinstance(shortlist, list) and len(shortlist) == 2 and all(type(number) is int for number in shortlist):
            stored["shortlist"] = tuple(shortlist)
        elif shortlist is not None:
            raise ValueError("the facts hold no such 'shortlist'")
        if stored.keys() != _TYPES.keys() | {"shortlist"} or not isinstance(details, str):
            raise ValueError(f"the facts hold {', '.join(map(repr, stored))}")
        for name, kind in _TYPES.items():
            if type(stored[name]) is not kind:
                raise ValueError(f"the facts hold no such {name!r}")
        return cls(**stored), details


_TYPES: Mapping[str, type] = {
    "name": str, "made_of": str, "architecture": str, "compat": str, "signature": str, "precision": str,
    "parameter_count": int, "source_rows": int, "right_to_left": bool, "cost": float,
}  # fmt: skip
