"""From a model's files to prepared weights: what a load from the cache does without.

Reads, draws, plans, binds and packs. Imported when a model is prepared, or somebody asks for a plan.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from dragoman.architectures.build import build_graph, check_parameters
from dragoman.architectures.config import ModelConfig, read_config
from dragoman.backends.protocol import Backend, StoringBackend
from dragoman.errors import ModelError, ModelFormatError
from dragoman.formats.files import MemoryFile
from dragoman.formats.model_file import read_parameters
from dragoman.formats.model_options import GivenOptions
from dragoman.formats.parameters import OPTIONS_NAME, ParameterFile
from dragoman.formats.prepared import PAGE, Head, decode_head, encode_head, head_size, pages
from dragoman.formats.prepared_facts import PreparedFacts
from dragoman.formats.quantize import is_quantized_name
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_text import read_shortlist
from dragoman.graph.graph import Graph
from dragoman.graph.ops import Logits, Product
from dragoman.host import Region, anonymous
from dragoman.planning.cache import plan_for
from dragoman.planning.cost import cost_of_piece
from dragoman.planning.plan import Plan
from dragoman.planning.precisions import Precisions
from dragoman.planning.records import Precision
from dragoman.weights.bind import bind
from dragoman.weights.holder import Loaded, WeightsHolder
from dragoman.weights.recipe import Recipe

__all__ = ["ReadModel", "config_of", "plan_of", "read_model"]

_log = logging.getLogger("dragoman")


@dataclass(frozen=True, eq=False)
class ReadModel:
    """A model file read, drawn and planned: all that a back end needs to prepare it.

    Attributes:
        facts, details: for the prepared file.
        plan: of the model.
        file: its parameters.
        lists: its shortlist, or None.
        storable: False where the options hold what JSON does not.
    """

    facts: PreparedFacts
    details: str
    plan: Plan
    file: ParameterFile
    lists: Shortlist | None
    storable: bool = True

    def prepare(self, backend: Backend) -> tuple[Loaded, Shortlist | None]:
        """Weights in private memory, and the shortlist. Raises as `dragoman.weights.bind.bind`."""
        placed = backend.prepare(self.plan, bind(self.plan, self.file), shortlist=self.lists is not None)
        return Loaded(placed, self.facts, details=self.details), self.lists

    def region(self, backend: StoringBackend) -> tuple[Region, Head]:
        """A prepared file in private memory, read-only, and its head. Raises as `dragoman.weights.bind.bind`."""
        packing = backend.packing(self.plan, bind(self.plan, self.file), shortlist=self.lists is not None)
        text = self.facts.encode(self.details)
        start = head_size(text, packing.image, packing.records, self.lists)
        region = anonymous(start + pages(packing.nbytes) + PAGE)
        view = region.view()
        used, records = packing.write(view, start)
        end = start + pages(used) + PAGE
        head = encode_head(text, packing.image, records, self.lists, memoryview(region)[start:end])
        view[:start] = np.frombuffer(head, np.uint8)
        del packing, view
        region.seal(end)
        return region, decode_head(memoryview(region), self.file.path, verify_payload=False)


def read_model(recipe: Recipe, held: Sequence[MemoryFile], name: str) -> ReadModel:
    """Read a model's files, and compile its plan.

    Args:
        recipe: how.
        held: the model, and its shortlist if it has one.
        name: of the prepared file.

    Raises what reading a model raises: see `dragoman.load`.
    """
    file = read_parameters(held[0])
    shapes = {key: parameter.shape for key, parameter in file.parameters.items()}
    options = _options(file, recipe.given, recipe.model)
    config = read_config(options, shapes, compat=recipe.compat)  # type: ignore[arg-type]
    graph = build_graph(config)
    unused = check_parameters(graph, shapes, config, path=recipe.model, unread=file.unread)
    damaged = _not_finite(file, graph)
    if damaged:
        _log.warning("%s: %s hold NaN or infinity: translations will be nonsense", recipe.model, ", ".join(damaged))
    if unused:
        _log.debug("%s: tensors that its configuration does not use: %s", recipe.model, ", ".join(unused))
    precisions = _precisions(file, graph, config, recipe.precision)
    plan = plan_for(graph, precisions)
    source_rows = shapes[config.stored(config.tables.source)][0]
    columns = shapes[config.stored(config.tables.output)][0 if config.tables.output_transposed else 1]
    wanted = recipe.shortlist
    lists = None
    if wanted is not None:
        lists = read_shortlist(replace(wanted, path=held[1]), recipe.source, recipe.target)
        if recipe.source.size > source_rows or recipe.target.size > columns:
            lists = lists.within(source_rows, columns)
    details = {
        "options": options,
        "shapes": shapes,
        "precisions": [precisions.default.value, sorted(precisions.floats), precisions.alphas],
    }
    text = json.dumps(details, ensure_ascii=False, separators=(",", ":"), default=str, skipkeys=True)
    facts = PreparedFacts(
        name=name,
        made_of=str(recipe.model),
        architecture=graph.name,
        compat=recipe.compat,
        signature=plan.signature,
        precision=precisions.default.value,
        parameter_count=sum(parameter.data.size for parameter in file.parameters.values()),
        source_rows=source_rows,
        right_to_left=config.right_to_left,
        cost=cost_of_piece(plan, vocabulary=columns, shortlist=lists is not None),
        shortlist=None if lists is None else (lists.first, lists.best),
    )
    return ReadModel(facts, text, plan, file, lists, storable=_plain(options) and not damaged)


def _not_finite(file: ParameterFile, graph: Graph) -> list[str]:
    """Names of needed parameters with values that are no numbers."""
    floats = (file.parameters[name] for name in graph.parameters() if file.parameters[name].multiplier is None)
    return sorted(parameter.name for parameter in floats if not np.isfinite(parameter.data).all())


def _options(file: ParameterFile, given: GivenOptions, made_of: Path) -> dict[str, object]:
    """Marian takes all for its defaults where nothing is stated, which is never meant."""
    options = given.under(file.options)
    if not options:
        raise ModelFormatError(
            made_of,
            "the file does not say which architecture it is of",
            parameter=OPTIONS_NAME,
            advice="Optimiser states are no models. For a file of Nematus state the architecture as Marian's options"
            " (type: nematus, enc-cell: gru-nematus, dim-rnn, ...) in a decoder yml or in ModelFiles(options=...).",
        )
    return options


def config_of(holder: WeightsHolder) -> ModelConfig:
    """The settings of a prepared model's architecture."""
    return _config(holder.facts, holder.details())


def plan_of(holder: WeightsHolder) -> Plan:
    """The plan of a prepared model, for reading: what runs is its image.

    Raises ModelError if it would be another today.
    """
    facts, details = holder.facts, holder.details()
    default, floats, alphas = cast("tuple[str, list[str], dict[str, str]]", details["precisions"])
    precisions = Precisions(Precision(default), frozenset(floats), alphas)
    plan = plan_for(build_graph(_config(facts, details)), precisions)
    if plan.signature != facts.signature:
        raise ModelError(f"{facts.made_of}: its weights were prepared with another plan: run `dragoman cache clear`.")
    return plan


def _config(facts: PreparedFacts, details: Mapping[str, object]) -> ModelConfig:
    shapes = {name: tuple(shape) for name, shape in cast("dict[str, list[int]]", details["shapes"]).items()}
    options = cast("dict[str, object]", details["options"])
    return read_config(options, shapes, compat=facts.compat)  # type: ignore[arg-type]


def _plain(options: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(options)) == options)
    except (TypeError, ValueError):
        return False


def _precisions(parameters: ParameterFile, graph: Graph, config: ModelConfig, wanted: str) -> Precisions:
    """How each product is computed: as stored, or as wanted; integers where Marian's converter makes integers.
    There are no 16-bit kernels: files of int16 are computed in float32.

    Models without an activation multiplier for every integer product quantise each activation row by its maximum.
    """
    stored = {name for name, parameter in parameters.parameters.items() if parameter.data.dtype == np.int8}
    if wanted == "float32" or (wanted == "auto" and not stored):
        return Precisions(Precision.FLOAT32)
    products = _product_weights(graph)
    integer = {name for name in products if name in stored or (not stored and is_quantized_name(name))}
    floats = frozenset(products - integer)
    # Marian's `none` stands in for output layers that have no alpha of their own (dragoman.weights.bind).
    output = {config.stored(config.tables.output)} if "none" in parameters.alphas else set()
    missing = integer - set(parameters.alphas) - output
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
