"""A model: plan, weights, vocabularies, shortlist and decoding defaults, frozen. ``load`` is the only way to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from dragoman.architectures import Compatibility
from dragoman.backends.find import BackendName, find_backend
from dragoman.backends.protocol import Backend, PlacedShortlist
from dragoman.errors import ModelError, ModelFormatError, ModelNotFoundError, OptionsError
from dragoman.formats.bundle import Bundle, ModelFiles, find_bundle
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_options import ShortlistOptions
from dragoman.formats.vocabulary import Vocabulary
from dragoman.languages import languages_of_name
from dragoman.options import DecodingOptions
from dragoman.text.pieces import Pieces
from dragoman.text.vocabularies import read_pair
from dragoman.weights.find import obtain
from dragoman.weights.holder import Loaded, WeightsHolder
from dragoman.weights.recipe import Recipe

if TYPE_CHECKING:
    from dragoman.architectures.config import ModelConfig
    from dragoman.planning.plan import Plan

__all__ = ["Model", "PrecisionChoice", "load"]


PrecisionChoice = Literal["auto", "float32", "int8"]


@dataclass(frozen=True, eq=False)
class Model:
    """One translation model. Thread-safe; shared by any number of translators; pickled by its path.

    Attributes:
        architecture: for people, such as "transformer 6+2 layers ...".
        precision: "float32", "int8" (with the model's activation multipliers) or "int8-rows" (without).
        vocabularies: source and target.
        shortlist: allowed target ids by source id, or None.
        defaults: the model's own decoding options.
        weights: this model's, one copy, where its back end reads them.
        backend: what runs it.
        pieces: text to ids and back.
        files: where everything was read from.
        parameter_count: numbers in the model file.
    """

    architecture: str
    precision: str
    vocabularies: tuple[Vocabulary, Vocabulary]
    shortlist: Shortlist | None
    defaults: DecodingOptions
    weights: WeightsHolder
    pieces: Pieces
    files: Bundle
    parameter_count: int
    backend: Backend
    placed_shortlist: PlacedShortlist | None
    _arguments: tuple[Any, ...] | None

    @cached_property
    def config(self) -> ModelConfig:
        """The architecture's settings."""
        from dragoman.weights.build import config_of  # translating needs neither this nor the plan below

        return config_of(self.weights)

    @cached_property
    def plan(self) -> Plan:
        """What runs, for people and programs to read. Models of one architecture and precision share it."""
        from dragoman.weights.build import plan_of

        return plan_of(self.weights)

    @property
    def right_to_left(self) -> bool:
        """Whether the model writes from the end."""
        return self.weights.facts.right_to_left

    @property
    def cost(self) -> float:
        """Float multiply-adds for each source piece (`dragoman.planning.cost`)."""
        return self.weights.facts.cost

    @cached_property
    def languages(self) -> tuple[str, str] | None:
        """Source and target language, as the names of the model's files say, else of its folder; None: nothing says."""
        files = self.files
        named = (files.model, *files.vocabularies, *([files.shortlist] if files.shortlist else []))
        names = [path.name for path in named] + [files.model.absolute().parent.name]
        return next(filter(None, map(languages_of_name, names)), None)

    @property
    def weights_bytes(self) -> int:
        """Bytes of the prepared weights: file-backed or private. What each further model of an architecture adds
        beside is its vocabularies (if nobody has equal ones), its shortlist and some 100 KB of records."""
        return self.weights.nbytes

    @property
    def file_backed(self) -> bool:
        """Whether the weights lie in a mapped file of the cache, shared by all processes of the machine."""
        return self.weights.file_backed

    def __reduce__(self) -> tuple[Any, ...]:
        if self._arguments is None:
            raise ModelError(f"{self.files.model}: a model made of bytes cannot be pickled: send the bytes.")
        return _load, self._arguments

    def __repr__(self) -> str:
        return f"<dragoman.Model {self.files.model.name}: {self.architecture}, {self.precision}>"


def load(
    path: Path | str | ModelFiles,
    *,
    precision: PrecisionChoice = "auto",
    shortlist: Path | str = "auto",
    compat: Compatibility = "trained",
    backend: BackendName = "native",
) -> Model:
    """Load a model.

    Args:
        path: a folder, a decoder yml, a model file beside its vocabularies, or `ModelFiles`.
        precision: "auto" takes the int8 file of a folder that has both, and computes as the file is stored; "float32"
            and "int8" convert where necessary.
        shortlist: "auto" uses the one that the folder or yml brings, "none" the whole vocabulary, else a file.
        compat: "trained" decodes as the Marian that trained the model computes, "browsermt" as Bergamot's fork does
            (they differ for pre-norm and gelu models only).
        backend: "native", or "reference": slow, written in NumPy, to compare with.

    Raises:
        OptionsError: an argument is none of those above.
        ModelNotFoundError: there is no model, or files are missing.
        ModelFormatError: a file is damaged or does not fit the others.
        UnsupportedModelError: the model needs something that is not built, by the option's name.
    """
    return _load(path, precision, shortlist, compat, backend)


def _load(
    path: Path | str | ModelFiles, precision: str, shortlist: Path | str, compat: str, backend: str = "native"
) -> Model:
    device = find_backend(backend)
    if precision not in get_args(PrecisionChoice):
        raise OptionsError("precision", precision, "one of " + ", ".join(get_args(PrecisionChoice)))
    if compat not in get_args(Compatibility):
        raise OptionsError("compat", compat, "one of " + ", ".join(get_args(Compatibility)))
    files = _bundle(path, precision)
    source, target = read_pair(*files.vocabularies)
    options = _shortlist_options(files, shortlist)
    loaded, lists = obtain(Recipe(files.model, precision, compat, options, source, target, files.given), device)
    facts, weights = loaded.facts, WeightsHolder(loaded)
    _check_vocabularies(files, (facts.source_rows, weights.vocabulary), source, target)
    pieces = Pieces.of_model(files, source, target, right_to_left=facts.right_to_left)
    arguments: tuple[Any, ...] | None = None
    if not files.in_memory:
        arguments = (path, precision, shortlist, compat, backend)
        weights.renew_with(partial(_same_weights, arguments, facts.name))
    placed = lists and device.shortlist(
        lists, shared_vocabulary=source == target, target_vocabulary=weights.vocabulary, eos_id=target.eos_id
    )
    return Model(
        architecture=facts.architecture,
        precision=facts.precision,
        vocabularies=(source, target),
        shortlist=lists,
        defaults=DecodingOptions.of_model(files),
        weights=weights,
        pieces=pieces,
        files=files.named() if files.in_memory else files,
        parameter_count=facts.parameter_count,
        backend=device,
        placed_shortlist=placed,
        _arguments=arguments,
    )


def _same_weights(arguments: tuple[Any, ...], name: str) -> Loaded:
    """The weights of a model that is loaded, from its files once more. Holds nothing of that model.

    ``name``: the digest of all they are made of (`dragoman.weights.store.Key`).
    """
    fresh = _load(*arguments)
    if fresh.weights.facts.name != name:
        raise ModelError(f"{fresh.files.model}: the model's files have changed: load it again.")
    return fresh.weights.ready()


def _bundle(path: Path | str | ModelFiles, precision: str) -> Bundle:
    """The model's files: those stored in the wanted precision, else whichever there are."""
    if precision == "auto":
        return find_bundle(path)
    try:
        return find_bundle(path, precision=precision)  # type: ignore[arg-type]
    except ModelNotFoundError:
        return find_bundle(path)


def _check_vocabularies(files: Bundle, rows: tuple[int, int], source: Vocabulary, target: Vocabulary) -> None:
    """A vocabulary larger than its table would index outside of it."""
    for path, vocabulary, size in zip(files.vocabularies, (source, target), rows, strict=True):
        if vocabulary.size > size:
            raise ModelFormatError(
                path,
                "the vocabulary is larger than the model's",
                expected=f"at most {size} pieces",
                found=vocabulary.size,
                advice="Use the vocabulary the model came with.",
            )


def _shortlist_options(files: Bundle, wanted: Path | str) -> ShortlistOptions | None:
    if str(wanted) == "none":
        return None
    return files.shortlist_options if str(wanted) == "auto" else ShortlistOptions(Path(wanted), stated_false=True)


def stored_options(model: Model) -> Mapping[str, object]:
    """``special:model.yml`` of the model, read again from its prepared weights."""
    return cast("Mapping[str, object]", model.weights.details()["options"])
