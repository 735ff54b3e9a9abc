"""From a model's files to prepared weights: found in the cache where possible, else made, and kept there."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dragoman.architectures.build import build_graph, check_parameters
from dragoman.architectures.config import Compatibility, ModelConfig, read_config
from dragoman.errors import DragomanError
from dragoman.formats.files import MODEL_LIMIT, TEXT_LIMIT, MemoryFile, read_bytes
from dragoman.formats.model_file import read_parameters
from dragoman.formats.parameters import ParameterFile
from dragoman.formats.quantize import is_quantized_name
from dragoman.formats.shortlist_text import ShortlistOptions, read_shortlist
from dragoman.formats.vocabulary import Vocabulary
from dragoman.graph.graph import Graph
from dragoman.graph.ops import Logits, Product
from dragoman.planning.cache import architecture_signature, known_plan, plan_for
from dragoman.planning.plan import Plan, Precision
from dragoman.planning.precisions import Precisions
from dragoman.prepared_cache import Key, Opened, Stamp, cache_folder, open_prepared, store
from dragoman.weights import build_region

__all__ = ["Recipe", "obtain"]

_log = logging.getLogger("dragoman")


@dataclass(frozen=True)
class Recipe:
    """What to prepare.

    Attributes:
        model: the file.
        precision, compat: as `dragoman.load` takes them.
        shortlist: which one goes into the file, or None: then the output layer is packed for whole use.
        source, target: the model's vocabularies.
    """

    model: Path
    precision: str
    compat: str
    shortlist: ShortlistOptions | None
    source: Vocabulary
    target: Vocabulary

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.model,) if self.shortlist is None else (self.model, self.shortlist.path)

    def settings(self) -> dict[str, Any]:
        """What decides the result beside the files' contents."""
        lists = self.shortlist
        return {
            "precision": self.precision,
            "compat": self.compat,
            "shortlist": None
            if lists is None
            else [lists.first, lists.best, lists.threshold, lists.verify, lists.stated_false, lists.path.name,
                  self.source.content_hash, self.target.content_hash],
        }  # fmt: skip


def obtain(recipe: Recipe) -> tuple[Plan, Opened]:
    """Prepared weights and their plan. Models of bytes are prepared in private memory, and nothing is written.

    Raises what reading and preparing a model raises: see `dragoman.load`.
    """
    settings = recipe.settings()
    stamp = Stamp.of(recipe.paths, settings)
    folder = None if stamp is None else cache_folder()
    if stamp is not None and folder is not None:
        name = stamp.recall(folder)
        found = None if name is None else _usable(open_prepared(folder, name), recipe)
        if found is not None:
            return found
    model = _in_memory(recipe.model, MODEL_LIMIT)
    lists = recipe.shortlist
    held = [model] if lists is None else [model, _in_memory(lists.path, TEXT_LIMIT)]
    key = Key(tuple(hashlib.sha256(file.contents).hexdigest() for file in held), settings)
    name = key.name
    found = None if folder is None else _usable(open_prepared(folder, name), recipe)
    if found is None:
        found = _prepare(recipe, held, name, folder)
    if stamp is not None and folder is not None and found[1].path is not None:
        unchanged = Stamp.of(recipe.paths, settings) == stamp  # while the files were read
        if unchanged:
            stamp.note(folder, name)
    return found


def _in_memory(path: Path, limit: int) -> MemoryFile:
    """The file's bytes: what is hashed is what is prepared, whoever writes to the file meanwhile."""
    return path if isinstance(path, MemoryFile) else MemoryFile.of(path, read_bytes(path, limit=limit))


def _usable(opened: Opened | None, recipe: Recipe) -> tuple[Plan, Opened] | None:
    """The plan for a prepared file; None if its architecture would be drawn differently today."""
    if opened is None:
        return None
    facts = opened.head.facts
    try:
        plan = known_plan(facts["signature"])
        if plan is None:
            shapes = {name: tuple(shape) for name, shape in facts["shapes"].items()}
            config = read_config(facts["options"], shapes, compat=recipe.compat)  # type: ignore[arg-type]
            graph = build_graph(config)
            default, floats, alphas = facts["precisions"]
            precisions = Precisions(Precision(default), frozenset(floats), alphas)
            if architecture_signature(graph, precisions) != facts["signature"]:
                return None
            plan = plan_for(graph, precisions)
    except (DragomanError, KeyError, TypeError, ValueError) as error:
        _log.warning("%s does not fit this version: preparing again (%s)", opened.path, error)
        return None
    return plan, opened


def _prepare(recipe: Recipe, held: list[MemoryFile], name: str, folder: Path | None) -> tuple[Plan, Opened]:
    file = read_parameters(held[0])
    shapes = {key: parameter.shape for key, parameter in file.parameters.items()}
    compat: Compatibility = recipe.compat  # type: ignore[assignment]
    config = read_config(file.options, shapes, compat=compat)
    graph = build_graph(config)
    check_parameters(graph, shapes, config, path=recipe.model)
    precisions = _precisions(file, graph, config, recipe.precision)
    plan = plan_for(graph, precisions)
    lists = None
    if recipe.shortlist is not None:
        options = replace(recipe.shortlist, path=held[1])
        lists = read_shortlist(options, recipe.source, recipe.target)
    facts = {
        "name": name,
        "made_of": str(recipe.model),
        "architecture": graph.name,
        "signature": architecture_signature(graph, precisions),
        "precision": precisions.default.value,
        "precisions": [precisions.default.value, sorted(precisions.floats), precisions.alphas],
        "parameter_count": sum(parameter.data.size for parameter in file.parameters.values()),
        "shortlist": None if lists is None else {"first": lists.first, "best": lists.best},
        "options": dict(file.options),
        "shapes": shapes,
    }
    plain = _plain(facts["options"])
    if not plain:  # a date, or keys that are numbers: cannot be kept as they are
        folder, facts["options"] = None, json.loads(json.dumps(facts["options"], default=str, skipkeys=True))
    region, head = build_region(facts, plan, file, lists, shortlist=lists is not None)
    del file
    opened = None if folder is None else store(folder, name, region)
    return plan, opened or Opened(region, head, None)


def _plain(options: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(options)) == options)
    except (TypeError, ValueError):
        return False


def _precisions(parameters: ParameterFile, graph: Graph, config: ModelConfig, wanted: str) -> Precisions:
    """How each product is computed: as stored, or as wanted; integers where Marian's converter makes integers.

    Models without an activation multiplier for every integer product quantise each activation row by its maximum.
    """
    stored = {name for name, parameter in parameters.parameters.items() if parameter.multiplier is not None}
    if wanted == "float32" or (wanted == "auto" and not stored):
        return Precisions(Precision.FLOAT32)
    products = _product_weights(graph)
    integer = {name for name in products if name in stored or (not stored and is_quantized_name(name))}
    floats = frozenset(products - integer)
    # Marian's `none` stands in for output layers that have no alpha of their own (dragoman.binding).
    missing = integer - set(parameters.alphas) - ({config.tables.output} if "none" in parameters.alphas else set())
    if missing:
        if parameters.alphas:
            _log.warning("%s lacks activation multipliers for some matrices: quantising by rows", parameters.path)
        return Precisions(Precision.INT8_ROWS, floats=floats)
    groups = {name: repr(alpha) for name, alpha in parameters.alphas.items()}
    return Precisions(Precision.INT8, floats=floats, alphas=groups)


def _product_weights(graph: Graph) -> set[str]:
    """Names of the parameters that are the right factor of a product."""
    names: set[str] = set()
    for node in graph.nodes:
        if isinstance(node.op, (Product, Logits)) and node.inputs[1] is not None:
            names.update(name for name in getattr(graph.nodes[node.inputs[1]].op, "names", ()) if name)
    return names
