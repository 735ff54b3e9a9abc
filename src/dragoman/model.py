"""A model: plan, weights, vocabularies, shortlist and decoding defaults, frozen. ``load`` is the only way to one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast, get_args

from dragoman.architectures import Compatibility
from dragoman.backends.find import BackendName, find_backend
from dragoman.backends.protocol import Backend, PlacedShortlist
from dragoman.errors import ModelError, ModelFormatError, ModelNotFoundError, OptionsError
from dragoman.formats.bundle import Bundle, ModelFiles, find_bundle
from dragoman.formats.decoder_yml import check_honoured
from dragoman.formats.files import TEXT_LIMIT, read_bytes
from dragoman.formats.quality_model import find_quality_file, read_quality_model
from dragoman.formats.shortlist import Shortlist
from dragoman.formats.shortlist_options import ShortlistOptions
from dragoman.formats.vocabulary import PlainVocabulary, Vocabulary
from dragoman.options import DecodingOptions
from dragoman.text.pieces import Pieces
from dragoman.text.quality import LogisticEstimator
from dragoman.text.segmenter_check import check_segmenter
from dragoman.text.vocabularies import read_pair
from dragoman.weights.find import obtain
from dragoman.weights.holder import Loaded, WeightsHolder
from dragoman.weights.recipe import Recipe

if TYPE_CHECKING:
    from dragoman.architectures.config import ModelConfig
    from dragoman.planning.plan import Plan

__all__ = ["LoadOptions", "Model", "PrecisionChoice", "load", "load_bundle"]


PrecisionChoice = Literal["auto", "float32", "int8"]


class LoadOptions(TypedDict, total=False):
    """Keywords of `load`, for whoever loads a model later: ``**options: Unpack[LoadOptions]``."""

    precision: PrecisionChoice
    shortlist: Path | str
    compat: Compatibility
    backend: BackendName


LoadArguments = tuple[Path | str | ModelFiles, str, Path | str, str, str]
"""What a model is loaded by: its path, precision, shortlist, compat and backend."""


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
        estimator: of the quality of words, if there is a quality file; else their probabilities are taken.
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
    estimator: LogisticEstimator | None
    _arguments: LoadArguments | None

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

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal, of what is in the files, wherever they are: models of one fingerprint translate the same."""
        digest = hashlib.sha256(f"{self.weights.facts.name} {self.backend.name}".encode())
        for vocabulary in self.vocabularies:
            digest.update(vocabulary.content_hash.encode())
        for spm in (self.files.source_spm, self.files.target_spm):
            digest.update(b"" if spm is None else hashlib.sha256(_contents(spm, self.pieces)).digest())
        return digest.hexdigest()

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
        """Source and target language, as the model's files say, else its folder's name; None: nothing says."""
        return self.files.languages()

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
    if precision not in get_args(PrecisionChoice):
        raise OptionsError("precision", precision, "one of " + ", ".join(get_args(PrecisionChoice)))
    files = _bundle(path, precision)
    if files.config is not None:
        check_honoured(files.config)
        precision = "int8" if precision == "auto" and files.config.int8 else precision
    arguments = None if files.in_memory else (path, precision, shortlist, compat, backend)
    return load_bundle(
        replace(files, shortlist_options=_shortlist_options(files, shortlist)),
        precision=precision, compat=compat, backend=backend, arguments=arguments,
    )  # fmt: skip


def load_bundle(
    files: Bundle,
    *,
    precision: str = "auto",
    compat: str = "trained",
    backend: str = "native",
    cut_already: bool = False,
    arguments: LoadArguments | None = None,
) -> Model:
    """Load the model of some files. Arguments and errors: `load`.

    Args:
        files: with the shortlist to use.
        cut_already: texts will be pieces of a plain vocabulary with spaces between them, as marian-decoder takes them.
        arguments: of `_load`, to make the model again from its path.
    """
    device = find_backend(backend)
    if compat not in get_args(Compatibility):
        raise OptionsError("compat", compat, "one of " + ", ".join(get_args(Compatibility)))
    files = replace(files, source_spm=None, target_spm=None) if cut_already else files
    source, target = read_pair(*files.vocabularies)
    recipe = Recipe(files.model, precision, compat, files.shortlist_options, source, target, files.given)
    loaded, lists = obtain(recipe, device)
    facts, weights = loaded.facts, WeightsHolder(loaded)
    shared = source == target
    source = _fitted(source, facts.source_rows, files.vocabularies[0])
    if not shared or weights.vocabulary != facts.source_rows:
        target = _fitted(target, weights.vocabulary, files.vocabularies[1])
    else:
        target = source
    if not cut_already:
        check_segmenter(files, source)
    pieces = Pieces.of_model(files, source, target, right_to_left=facts.right_to_left)
    if not files.in_memory:
        again = partial(
            load_bundle, files, precision=precision, compat=compat, backend=backend, cut_already=cut_already
        )
        again = partial(_load, *arguments) if arguments else again
        weights.renew_with(partial(_same_weights, again, facts.name))
    placed = lists and device.shortlist(
        lists, shared_vocabulary=shared, target_vocabulary=weights.vocabulary, eos_id=target.eos_id
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
        estimator=_estimator(files),
        _arguments=arguments,
    )


def _same_weights(again: Callable[[], Model], name: str) -> Loaded:
    """The weights of a model that is loaded, from its files once more. Holds nothing of that model.

    ``name``: the digest of all they are made of (`dragoman.weights.store.Key`).
    """
    fresh = again()
    if fresh.weights.facts.name != name:
        raise ModelError(f"{fresh.files.model}: the model's files have changed: load it again.")
    return fresh.weights.ready()


def _estimator(files: Bundle) -> LogisticEstimator | None:
    """Of the quality file that the configuration names, or that lies in the folder with Firefox's name."""
    path = None if files.config is None else files.config.quality
    if path is None and not files.in_memory:
        path = find_quality_file(files.model.parent)
    return None if path is None else LogisticEstimator(read_quality_model(path))


def _contents(path: Path, pieces: Pieces) -> bytes:
    """Of a file; something of this process alone where it came from memory, and is not kept."""
    try:
        return bytes(read_bytes(path, limit=TEXT_LIMIT))
    except (ModelFormatError, ModelNotFoundError):
        return f"{os.getpid()} {id(pieces)}".encode()


def _bundle(path: Path | str | ModelFiles, precision: str) -> Bundle:
    """The model's files: those stored in the wanted precision, else whichever there are."""
    if precision == "auto":
        return find_bundle(path)
    try:
        return find_bundle(path, precision=precision)  # type: ignore[arg-type]
    except ModelNotFoundError:
        return find_bundle(path)


def _fitted(vocabulary: Vocabulary, rows: int, path: Path) -> Vocabulary:
    """The vocabulary of a table with so many rows: a longer list is cut, as Marian cuts by ``dim-vocabs``.

    Raises ModelFormatError if it is another model's: shorter, or a SentencePiece model that is longer.
    """
    if vocabulary.size == rows:
        return vocabulary
    if vocabulary.size > rows and isinstance(vocabulary, PlainVocabulary):
        return vocabulary.cut(rows)
    raise ModelFormatError(
        path,
        f"the vocabulary is {'larger' if vocabulary.size > rows else 'smaller'} than the model's",
        expected=f"{rows} pieces",
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
