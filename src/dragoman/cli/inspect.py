"""``dragoman inspect``: what a model is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dragoman.formats.vocabulary import Vocabulary
    from dragoman.model import Model

__all__ = ["command"]


@click.command("inspect")
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(model: str, as_json: bool) -> None:
    """Say what MODEL is: a folder, a decoder yml, or a model file beside its vocabularies."""
    from dragoman import load

    facts = describe(load(model))
    click.echo(json.dumps(facts, indent=1, ensure_ascii=False) if as_json else "\n".join(_table(facts)))


def describe(model: Model) -> dict[str, Any]:
    """Everything that is said, as plain values."""
    from dragoman.formats.model_card import read_card
    from dragoman.model import stored_options

    source, target = model.vocabularies
    stored = stored_options(model)
    shortlist = model.shortlist
    card = None if model.files.in_memory else read_card(model.files.model.parent)
    return {
        "model": str(model.files.model),
        "recognised_as": model.files.kind,
        "architecture": model.architecture,
        "type": model.config.type,
        "trained_with": str(stored.get("version", "unknown")).split(" ")[0],
        "right_to_left": model.config.right_to_left,
        "parameters": model.parameter_count,
        "precision": model.precision,
        "vocabularies": {
            "source": _vocabulary(source, model.files.vocabularies[0]),
            "target": _vocabulary(target, model.files.vocabularies[1]),
            "shared": source == target,
        },
        "shortlist": None
        if shortlist is None
        else {
            "file": str(model.files.shortlist),
            "first": shortlist.first,
            "best": shortlist.best,
            "pairs": len(shortlist.ids),
        },
        "bytes": {
            "model_file": model.files.model.stat().st_size,
            "prepared_weights": model.weights_bytes,
            "vocabulary_files": sum(path.stat().st_size for path in set(model.files.vocabularies)),
            "shortlist_file": 0 if model.files.shortlist is None else model.files.shortlist.stat().st_size,
        },
        "defaults": {
            entry.name: getattr(model.defaults, entry.name)
            for entry in dataclasses.fields(model.defaults)
            if entry.init and entry.name != "target_prefix"
        },
        "card": None if card is None else dataclasses.asdict(card),
        "options": {key: value for key, value in sorted(stored.items()) if key != "version"},
    }


def _vocabulary(vocabulary: Vocabulary, path: Path) -> dict[str, Any]:
    from dragoman.formats.vocabulary import SentencePieceVocabulary

    kind = "SentencePiece" if isinstance(vocabulary, SentencePieceVocabulary) else "list of pieces"
    return {"file": str(path), "kind": kind, "pieces": vocabulary.size}


def _table(facts: dict[str, Any]) -> list[str]:
    """For people: a name and a value on each line; Marian's own options only in JSON."""
    rows: list[tuple[str, str]] = []
    for name, value in facts.items():
        if name == "options":
            continue
        if not isinstance(value, dict):
            rows.append((name, _shown(value)))
            continue
        for key, inner in value.items():
            entries = inner if isinstance(inner, list | tuple) and inner else [inner]
            for entry in entries:
                shown = ", ".join(map(_shown, entry.values())) if isinstance(entry, dict) else _shown(entry)
                rows.append((f"{name}: {key}", shown))
    width = max(len(name) for name, _ in rows)
    return [f"{name.replace('_', ' '):<{width}}  {value}" for name, value in rows]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == ():
        return "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
