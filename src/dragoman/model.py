"""A model: plan, weights, vocabularies, shortlist and decoding defaults, frozen. ``load`` is the only way to one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from dragoman import _native
from dragoman.architectures.build import build_graph, check_parameters
from dragoman.architectures.config import Compatibility, ModelConfig, read_config
from dragoman.backends.native import native_plan
from dragoman.errors import ModelFormatError, ModelNotFoundError, OptionsError
from dragoman.formats.bundle import Bundle, ModelFiles, find_bundle
from dragoman.formats.model_file import read_parameters
from dragoman.formats.parameters import ParameterFile
from dragoman.formats.quantize import is_quantized_name
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_text import ShortlistOptions, read_shortlist
from dragoman.formats.vocabulary import Vocabulary, read_vocabulary
from dragoman.graph.graph import Graph
from dragoman.graph.ops import Logits, Product
from dragoman.options import DecodingOptions
from dragoman.planning.cache import plan_for
from dragoman.planning.plan import Plan, Precision
from dragoman.planning.precisions import Precisions
from dragoman.text.pieces import Pieces
from dragoman.weights import Weights, prepare_weights

__all__ = ["Model", "PrecisionChoice", "load"]

PrecisionChoice = Literal["auto", "float32", "int8"]

_log = logging.getLogger("dragoman")


@dataclass(frozen=True, eq=False)
class Model:
    """One translation model. Thread-safe; shared by any number of translators; pickled by its path.

    Attributes:
        architecture: for people, such as "transformer 6+2 layers ...".
        precision: "float32", "int8" (with the model's activation multipliers) or "int8-rows" (without).
        vocabularies: source and target.
        shortlist: allowed target ids by source id, or None.
        defaults: the model's own decoding options.
        plan: shared by all models of this architecture and precision.
        weights: this model's, one copy.
        pieces: text to ids and back.
        config: the architecture's settings.
        files: where everything was read from.
        parameter_count: numbers in the model file.
    """

    architecture: str
    precision: str
    vocabularies: tuple[Vocabulary, Vocabulary]
    shortlist: Shortlist | None
    defaults: DecodingOptions
    plan: Plan
    weights: Weights
    pieces: Pieces
    config: ModelConfig
    files: Bundle
    parameter_count: int
    native_shortlist: Any
    _arguments: tuple[Any, ...]

    @property
    def weights_bytes(self) -> int:
        """Bytes of the prepared weights, the only memory that each further model of an architecture adds beside its
        vocabularies and shortlist."""
        return self.weights.nbytes

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, self._arguments

    def __repr__(self) -> str:
        return f"<dragoman.Model {self.files.model.name}: {self.architecture}, {self.precision}>"


def load(
    path: Path | str | ModelFiles,
    *,
    precision: PrecisionChoice = "auto",
    shortlist: Path | str = "auto",
    compat: Compatibility = "trained",
) -> Model:
    """Load a model.

    Args:
        path: a folder, a decoder yml, a model file beside its vocabularies, or `ModelFiles`.
        precision: "auto" takes the int8 file of a folder that has both, and computes as the file is stored; "float32"
            and "int8" convert where necessary.
        shortlist: "auto" uses the one that the folder or yml brings, "none" the whole vocabulary, else a file.
        compat: "trained" decodes as the Marian that trained the model computes, "browsermt" as Bergamot's fork does
            (they differ for pre-norm and gelu models only).

    Raises:
        OptionsError: an argument is none of those above.
        ModelNotFoundError: there is no model, or files are missing.
        ModelFormatError: a file is damaged or does not fit the others.
        UnsupportedModelError: the model needs something that is not built, by the option's name.
    """
    return _load(path, precision, shortlist, compat)


def _load(path: Path | str | ModelFiles, precision: str, shortlist: Path | str, compat: str) -> Model:
    if precision not in get_args(PrecisionChoice):
        raise OptionsError("precision", precision, "one of " + ", ".join(get_args(PrecisionChoice)))
    if compat not in get_args(Compatibility):
        raise OptionsError("compat", compat, "one of " + ", ".join(get_args(Compatibility)))
    files = _bundle(path, precision)
    parameters = read_parameters(files.model)
    shapes = {name: parameter.shape for name, parameter in parameters.parameters.items()}
    config = read_config(parameters.options, shapes, compat=compat)  # type: ignore[arg-type]
    graph = build_graph(config)
    check_parameters(graph, shapes, config, path=files.model)
    precisions = _precisions(parameters, graph, config, precision)
    plan = plan_for(graph, precisions)
    source, target = _vocabularies(files)
    lists = _shortlist(files, shortlist, source, target)
    weights = prepare_weights(plan, native_plan(plan), parameters, shortlist=lists is not None)
    _check_vocabularies(files, config, parameters, source, target, weights.vocabulary)
    return Model(
        architecture=graph.name,
        precision=precisions.default.value,
        vocabularies=(source, target),
        shortlist=lists,
        defaults=DecodingOptions.of_model(files),
        plan=plan,
        weights=weights,
        pieces=Pieces.of_model(files, source, target, right_to_left=config.right_to_left),
        config=config,
        files=files,
        parameter_count=sum(parameter.data.size for parameter in parameters.parameters.values()),
        native_shortlist=_native_shortlist(lists, source == target, weights.vocabulary, target.eos_id),
        _arguments=(path, precision, shortlist, compat),
    )


def _bundle(path: Path | str | ModelFiles, precision: str) -> Bundle:
    """The model's files: those stored in the wanted precision, else whichever there are."""
    if precision == "auto":
        return find_bundle(path)
    try:
        return find_bundle(path, precision=precision)  # type: ignore[arg-type]
    except ModelNotFoundError:
        return find_bundle(path)


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


def _vocabularies(files: Bundle) -> tuple[Vocabulary, Vocabulary]:
    """Source and target; one object if they are equal."""
    source = read_vocabulary(files.vocabularies[0])
    if files.vocabularies[1] == files.vocabularies[0]:
        return source, source
    target = read_vocabulary(files.vocabularies[1])
    return (source, source) if source == target else (source, target)


def _check_vocabularies(
    files: Bundle,
    config: ModelConfig,
    parameters: ParameterFile,
    source: Vocabulary,
    target: Vocabulary,
    output_rows: int,
) -> None:
    """A vocabulary larger than its table would index outside of it."""
    rows = parameters.parameters[config.tables.source].shape[0]
    for path, vocabulary, size in ((files.vocabularies[0], source, rows), (files.vocabularies[1], target, output_rows)):
        if vocabulary.size > size:
            raise ModelFormatError(
                path,
                "the vocabulary is larger than the model's",
                expected=f"at most {size} pieces",
                found=vocabulary.size,
                advice="Use the vocabulary the model came with.",
            )


def _shortlist(files: Bundle, wanted: Path | str, source: Vocabulary, target: Vocabulary) -> Shortlist | None:
    if str(wanted) == "none":
        return None
    options = files.shortlist_options if str(wanted) == "auto" else ShortlistOptions(Path(wanted), stated_false=True)
    return None if options is None else read_shortlist(options, source, target)


def _native_shortlist(shortlist: Shortlist | None, shared: bool, target_vocabulary: int, eos: int) -> Any:
    if shortlist is None:
        return None
    return _native.Shortlist(
        shortlist.offsets.astype("uint64"), shortlist.ids, shortlist.first, shared, target_vocabulary, eos
    )


def stored_options(model: Model) -> Mapping[str, object]:
    """``special:model.yml`` of the model, read again from its file."""
    return read_parameters(model.files.model, mapped=True).options
