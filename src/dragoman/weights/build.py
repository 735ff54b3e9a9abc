"""From a model's files to prepared weights: what a load from the cache does without.

Reads, draws, plans, binds and packs. Imported when a model is prepared, or somebody asks for a plan.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dragoman import _native
from dragoman.architectures.build import build_graph, check_parameters
from dragoman.architectures.config import ModelConfig, read_config
from dragoman.errors import ModelError, ModelFormatError
from dragoman.formats.files import MemoryFile
from dragoman.formats.model_file import read_parameters
from dragoman.formats.model_options import GivenOptions
from dragoman.formats.parameters import OPTIONS_NAME, ParameterFile
from dragoman.formats.prepared import PAGE, Head, decode_head, encode_head, head_size, pages
from dragoman.formats.quantize import is_quantized_name
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_options import ShortlistOptions
from dragoman.formats.shortlist_text import read_shortlist
from dragoman.formats.vocabulary import Vocabulary
from dragoman.graph.graph import Graph
from dragoman.graph.ops import Logits, Product
from dragoman.planning.cache import plan_for
from dragoman.planning.plan import Plan
from dragoman.planning.precisions import Precisions
from dragoman.planning.records import Precision
from dragoman.weights.bind import bind
from dragoman.weights.pack import Memory, pack, packed_bytes, slot_record
from dragoman.weights.weights import Weights

__all__ = ["build_region", "config_of_facts", "make", "plan_of_facts", "prepare_weights"]

_log = logging.getLogger("dragoman")


def make(
    held: Sequence[MemoryFile],
    *,
    precision: str,
    compat: str,
    shortlist: ShortlistOptions | None,
    vocabularies: tuple[Vocabulary, Vocabulary],
    given: GivenOptions,
    made_of: Path,
    name: str,
) -> tuple[Any, Head, bool]:
    """Prepare a model.

    Args:
        held: the model, and its shortlist if it has one.
        precision, compat: as `dragoman.load` takes them.
        shortlist: how to read it, or None: then the output layer is packed for whole use.
        vocabularies: source and target.
        given: architecture options from beside the model's file.
        made_of: the model's file, for people and errors.
        name: of the prepared file.

    Returns:
        A prepared file in private memory, its head, and whether it may be stored.

    Raises what reading and preparing a model raises: see `dragoman.load`.
    """
    file = read_parameters(held[0])
    shapes = {key: parameter.shape for key, parameter in file.parameters.items()}
    options: Any = _options(file, given, made_of)
    config = read_config(options, shapes, compat=compat)  # type: ignore[arg-type]
    graph = build_graph(config)
    unused = check_parameters(graph, shapes, config, path=made_of, unread=file.unread)
    if unused:
        _log.debug("%s: tensors that its configuration does not use: %s", made_of, ", ".join(unused))
    precisions = _precisions(file, graph, config, precision)
    plan = plan_for(graph, precisions)
    lists = None if shortlist is None else read_shortlist(replace(shortlist, path=held[1]), *vocabularies)
    plain = _plain(options)
    if not plain:  # a date, or keys that are numbers: cannot be kept as they are
        options = json.loads(json.dumps(options, default=str, skipkeys=True))
    facts = {
        "name": name,
        "made_of": str(made_of),
        "architecture": graph.name,
        "compat": compat,
        "signature": plan.signature,
        "precision": precisions.default.value,
        "precisions": [precisions.default.value, sorted(precisions.floats), precisions.alphas],
        "parameter_count": sum(parameter.data.size for parameter in file.parameters.values()),
        "source_rows": shapes[config.stored(config.tables.source)][0],
        "right_to_left": config.right_to_left,
        "shortlist": None if lists is None else {"first": lists.first, "best": lists.best},
        "options": options,
        "shapes": shapes,
    }
    region, head = build_region(facts, plan, file, lists, shortlist=lists is not None)
    return region, head, plain


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


def config_of_facts(facts: Mapping[str, Any]) -> ModelConfig:
    """The settings of a prepared model's architecture."""
    shapes = {name: tuple(shape) for name, shape in facts["shapes"].items()}
    return read_config(facts["options"], shapes, compat=facts["compat"])


def plan_of_facts(facts: Mapping[str, Any]) -> Plan:
    """The plan of a prepared model, for reading: what runs is its image.

    Raises ModelError if it would be another today.
    """
    default, floats, alphas = facts["precisions"]
    precisions = Precisions(Precision(default), frozenset(floats), alphas)
    plan = plan_for(build_graph(config_of_facts(facts)), precisions)
    if plan.signature != facts["signature"]:
        raise ModelError(
            f"{facts['made_of']}: its weights were prepared with another plan: run `dragoman cache clear`."
        )
    return plan


def build_region(
    facts: Mapping[str, Any], plan: Plan, file: ParameterFile, lists: Shortlist | None, *, shortlist: bool
) -> tuple[Any, Head]:
    """A prepared file in private memory: bind a model file to a plan, pack it, and write the head before it.

    Args:
        facts: of the model, for the head; JSON.
        plan: of the model.
        file: the model's parameters. Nothing of it is referenced afterwards.
        lists: the model's shortlist, for the head, or None.
        shortlist: output columns will be selected by a shortlist.

    Returns:
        The region, read-only, and its head.

    Raises:
        ModelFormatError: a parameter is missing or has another shape.
        WeightsError: a matrix cannot be quantised.
    """
    slots = bind(plan, file)
    image = _native.Plan(plan).image()
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    start = head_size(text, image, len(slots), lists)
    need = packed_bytes(plan, slots, shortlist=shortlist)
    region: Any = _native.Region.anonymous(start + pages(need) + PAGE)
    view = region.view()
    memory = Memory(view, start)
    prepared = pack(plan, slots, memory, shortlist=shortlist)
    records = [slot_record(slot, view) for slot in prepared]
    end = start + pages(memory.used) + PAGE
    head = encode_head(text, image, records, lists, memoryview(region)[start:end])
    view[:start] = memoryview(head)
    del prepared, memory, view, slots
    region.seal(end)
    return region, decode_head(memoryview(region), file.path, verify_payload=False)


def prepare_weights(plan: Plan, native_plan: Any, file: ParameterFile, *, shortlist: bool) -> Weights:
    """Weights in private memory, not on disk. Arguments and errors: `build_region`; ``native_plan``: the same
    plan for the kernels.
    """
    region, head = build_region({}, plan, file, None, shortlist=shortlist)
    return Weights(native_plan, region, head.table)


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
