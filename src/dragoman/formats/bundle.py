"""Which files make up one model: from a folder, a decoder configuration, a model file, or named one by
one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from dragoman.errors import ModelNotFoundError, OptionsError, UnsupportedModelError
from dragoman.formats.compression import PACKED_SUFFIXES, plain_suffix
from dragoman.formats.decoder_yml import DecoderConfig, read_decoder_config
from dragoman.formats.files import MemoryFile, is_file
from dragoman.formats.folder import Folder, model_folders, scan_folder
from dragoman.formats.model_file import stored_precision
from dragoman.formats.model_languages import model_languages
from dragoman.formats.model_options import GivenOptions
from dragoman.formats.shortlist_options import ShortlistOptions

__all__ = ["Bundle", "BundleKind", "ModelFiles", "bundles_of_config", "find_bundle"]

BundleKind = Literal["firefox", "opus-mt", "marian", "files"]
PrecisionChoice = Literal["auto", "float32", "int8", "int16"]

_PREFERENCE = ("int8", "int16", "float32")
_PLAIN_NAMES = ("model.npz", "model.bin")
_CONFIG_SUFFIXES = frozenset({".yml", ".yaml"})

File = Path | str | bytes | bytearray | memoryview
"""A file by its path, or its contents."""


@dataclass(frozen=True)
class ModelFiles:
    """A model named file by file, for layouts that no rule recognises; or given as bytes, nothing on disk.

    Attributes:
        model: ``.npz`` or ``.bin``.
        vocabularies: source and target; a single one stands for both. Bytes: a SentencePiece model, or text.
        shortlist: text or binary.
        options: Marian's architecture options (``{"type": "nematus", ...}``) for a model file that holds none.
    """

    model: File
    vocabularies: tuple[File, File] | File
    shortlist: File | None = None
    options: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Bundle:
    """The files of one model. All of them exist.

    Attributes:
        model: ``.npz`` or ``.bin``.
        vocabularies: source and target, the same path twice where shared.
        shortlist: path of the shortlist, or None.
        shortlist_options: how to read it, or None.
        config: the decoder configuration, or None where files were recognised by name. It may name another
            model file than ``model`` where the folder has several precisions.
        source_spm, target_spm: OPUS-MT's SentencePiece models, which make pieces for plain vocabularies; or
            None.
        kind: how the files were recognised. ``firefox`` implies Firefox's decoding options (marian-semantics
            9).
        given: architecture options from beside the model file.
    """

    model: Path
    vocabularies: tuple[Path, Path]
    shortlist: Path | None
    shortlist_options: ShortlistOptions | None
    config: DecoderConfig | None
    source_spm: Path | None
    target_spm: Path | None
    kind: BundleKind
    given: GivenOptions = field(default_factory=GivenOptions)

    @property
    def in_memory(self) -> bool:
        """Whether the model is given as bytes."""
        return any(isinstance(path, MemoryFile) for path in (self.model, *self.vocabularies, self.shortlist))

    def languages(self, name: str | None = None) -> tuple[str, str] | None:
        """Source and target language that the files say, or None; ``name``: what whoever keeps them calls the model."""
        return model_languages(self.model, self.vocabularies, name)

    def named(self) -> Bundle:
        """The same with ordinary paths, which keep no contents."""
        options = self.shortlist_options
        options = None if options is None else replace(options, path=Path(options.path))
        return replace(
            self,
            model=Path(self.model),
            vocabularies=(Path(self.vocabularies[0]), Path(self.vocabularies[1])),
            shortlist=None if options is None else options.path,
            shortlist_options=options,
        )


def find_bundle(where: Path | str | ModelFiles, *, precision: PrecisionChoice = "auto") -> Bundle:
    """Recognise a model.

    Args:
        where: a folder, a decoder configuration, a model file beside its vocabularies, or ModelFiles.
        precision: which of several model files in a folder: "auto" takes the smallest (int8, int16,
            float32). A configuration named directly decides itself.

    Raises:
        ModelNotFoundError: nothing there is a model, files are missing or compressed, or several models are
            there and nothing says which is meant. ``found`` lists the files.
        ModelFormatError: a configuration or the head of a model file is damaged.
        UnsupportedModelError: the configuration asks for an ensemble or for several sources.
    """
    if precision not in ("auto", *_PREFERENCE):
        raise OptionsError("precision", precision, "auto, float32, int8 or int16")
    if isinstance(where, ModelFiles):
        return _from_files(where)
    path = Path(where)
    if _is_folder(path):
        return _from_folder(_folder_of_model(path), precision, only=None)
    if plain_suffix(path) in _CONFIG_SUFFIXES and is_file(path):
        config = read_decoder_config(path)
        if len(config.models) > 1:
            raise UnsupportedModelError(
                "models",
                [model.name for model in config.models],
                path=path,
                advice="Ensembles cannot be run yet: name one of the model files.",
            )
        return _complete(_beside(config.models[0], config), config, scan_folder(path.parent))
    if is_file(path):
        return _from_folder(scan_folder(path.parent), "auto", only=path)
    raise ModelNotFoundError(path, _missing(path))


def bundles_of_config(config: DecoderConfig) -> list[Bundle]:
    """The files of each of the models that a configuration lists: more than one make an ensemble.

    Raises ModelNotFoundError if one is missing, UnsupportedModelError for several sources.
    """
    folder = Folder(config.path.parent, (), (), (config,))
    return [_complete(_beside(model, config), config, folder) for model in config.models]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _folder_of_model(path: Path) -> Folder:
    """The folder, or the only one in it that holds a model (``ende/tiny/model.ende.intgemm.alphas.bin``)."""
    folder = scan_folder(path)
    if folder.models or folder.configs or folder.strangers:
        return folder
    inner = model_folders(path)
    if len(inner) == 1:
        return scan_folder(inner[0])
    if inner:
        names = ", ".join(str(one.relative_to(path)) for one in inner[:20])
        raise folder.error(f"there are models in several folders ({names}): name one of them.")
    return folder


def _from_files(files: ModelFiles) -> Bundle:
    given = files.vocabularies
    pair = tuple(given) if isinstance(given, (tuple, list)) else (given, given)
    if len(pair) != 2:
        raise OptionsError("vocabularies", given, "one path, or a pair of source and target")
    lists = files.shortlist
    shortlist = None if lists is None else ShortlistOptions(_file(lists, "shortlist"), stated_false=True)
    source = _file(pair[0], "source")
    target = source if pair[1] is pair[0] else _file(pair[1], "target")
    bundle = _checked(_file(files.model, "model"), (source, target), shortlist, None, "files")
    return replace(bundle, given=GivenOptions(dict(files.options or {})))


def _file(given: File, name: str) -> Path:
    """A path; for contents one that stands for them, with a suffix by what they are."""
    if isinstance(given, (str, Path)):
        return given if isinstance(given, Path) else Path(given)
    contents = memoryview(given).cast("B")
    if name in ("source", "target"):
        start = bytes(contents[:4096])
        if start[:1] == b"\n":  # the first field of a SentencePiece model
            name += ".spm"
        elif start.lstrip()[:1] == b"{":
            name += ".json"
        else:
            first = next((line for line in start.splitlines() if line.strip() and line[:1] != b"#"), b"")
            name += ".yml" if re.fullmatch(rb".*:\s+[0-9]+\s*", first, re.DOTALL) else ".txt"
    return MemoryFile.of(f"<bytes>/{name}", contents)


def _from_folder(folder: Folder, precision: PrecisionChoice, *, only: Path | None) -> Bundle:
    """The model of a folder: choose the model file, then the configuration that goes with it."""
    stated = [_beside(model, config) for config in folder.configs for model in config.models]
    configured = [model for model in stated if is_file(model)]
    candidates = list(dict.fromkeys(_resolved(model) for model in (*configured, *folder.models)))
    if only is not None:
        candidates = [model for model in candidates if model == _resolved(only)] or [_resolved(only)]
    if not candidates:
        raise folder.nothing_found()
    by_precision: dict[str, list[Path]] = {}
    for model in candidates:
        by_precision.setdefault(stored_precision(model), []).append(model)
    wanted = _PREFERENCE if precision == "auto" else (precision,)
    models = next((by_precision[name] for name in wanted if name in by_precision), [])
    if not models:
        raise folder.error(f"there is no {precision} model, only {', '.join(sorted(by_precision))}.")
    # Among equals those that a configuration names: the others are checkpoints and leftovers.
    named = [model for model in models if any(_resolved(other) == model for other in configured)] or models
    # A training leaves model.npz, and beside it model.iter1000.npz and model.npz.best-chrf.npz with yml of their own.
    plain = [model for model in named if model.name in _PLAIN_NAMES]
    named = plain if len(plain) == 1 else named
    # Bergamot ships a student with and without stored multipliers; with them int8 is faster, and as good.
    with_alphas = [model for model in named if ".alphas." in model.name]
    named = with_alphas if len(with_alphas) == 1 else named
    if len(named) > 1:
        names = ", ".join(model.name for model in named)
        raise folder.error(f"there are several models ({names}): name a decoder configuration or one of the files.")
    return _complete(named[0], _config_for(named[0], folder), folder)


def _config_for(model: Path, folder: Folder) -> DecoderConfig | None:
    """The configuration that names this model file; else the folder's only one, for its vocabularies and
    options.
    """
    matching = [
        config
        for config in folder.configs
        if any(_resolved(_beside(other, config)) == model for other in config.models)
    ]
    matching = matching or list(folder.configs)
    if len(matching) > 1:
        # Marian itself writes model.npz.decoder.yml.
        own = [config for config in matching if config.path.name == f"{model.name}.decoder.yml"]
        matching = own or matching
    if len(matching) > 1:
        plain = [config for config in matching if config.path.name in ("decoder.yml", "config.yml")]
        if len(plain) != 1:
            names = ", ".join(config.path.name for config in matching)
            raise folder.error(f"several configurations fit {model.name} ({names}): name one of them.")
        matching = plain
    return matching[0] if matching else None


def _complete(model: Path, config: DecoderConfig | None, folder: Folder) -> Bundle:
    if config is None:
        path = folder.shortlist(model)
        shortlist = None if path is None else ShortlistOptions(path, stated_false=True)
        kind: BundleKind = "firefox" if folder.is_firefox(model) else "marian"
        return _checked(model, folder.vocabularies(model), shortlist, None, kind)
    names = [_beside(name, config) for name in config.vocabularies]
    if len(names) > 2:
        raise UnsupportedModelError(
            "vocabs", [name.name for name in names], path=config.path, advice="Only one source is supported."
        )
    lists = config.shortlist
    lists = None if lists is None else replace(lists, path=_beside(lists.path, config))
    return _checked(model, (names[0], names[-1]), lists, config, "marian")


def _beside(path: Path, config: DecoderConfig) -> Path:
    """A file that a configuration names; if it is not there, the one of that name beside the configuration: folders
    move, and the paths in them are often absolute."""
    if is_file(path):
        return path
    folder = config.path.parent
    names = [path.name, *(path.name + suffix for suffix in PACKED_SUFFIXES)] if path.name else []
    packed = [Path(f"{path}{suffix}") for suffix in PACKED_SUFFIXES]
    return next((other for other in [*packed, *(folder / name for name in names)] if is_file(other)), path)


def _checked(
    model: Path,
    vocabularies: tuple[Path, Path],
    shortlist: ShortlistOptions | None,
    config: DecoderConfig | None,
    kind: BundleKind,
) -> Bundle:
    wanted = [model, *vocabularies] + ([shortlist.path] if shortlist else [])
    for path in wanted:
        if not is_file(path):
            raise ModelNotFoundError(path, _missing(path))
    # OPUS-MT: plain vocabularies, and beside them SentencePiece models that only make the pieces.
    plain = plain_suffix(vocabularies[0]) != ".spm" and not isinstance(vocabularies[0], MemoryFile)
    spms = [_segmenter(vocabularies[0].parent, side) for side in ("source", "target")] if plain else [None, None]
    segmented = all(spms)
    return Bundle(
        model=model,
        vocabularies=vocabularies,
        shortlist=shortlist.path if shortlist else None,
        shortlist_options=shortlist,
        config=config,
        source_spm=spms[0] if segmented else None,
        target_spm=spms[1] if segmented else None,
        kind="opus-mt" if segmented and kind == "marian" else kind,
        given=GivenOptions() if config is None else config.given,
    )


def _segmenter(folder: Path, side: str) -> Path | None:
    """OPUS-MT's SentencePiece model of one side."""
    paths = [folder / f"{side}.spm{suffix}" for suffix in ("", *PACKED_SUFFIXES)]
    return next(filter(is_file, paths), None)


def _missing(path: Path) -> str:
    for suffix in (".xz", ".bz2"):
        if is_file(Path(f"{path}{suffix}")):
            return f"there is only {path.name}{suffix}: unpack it first."
    return "there is no such file or folder."


def _resolved(path: Path) -> Path:
    """One spelling for one file, so that a configuration's path and the folder's listing compare equal."""
    return path.parent.resolve() / path.name
