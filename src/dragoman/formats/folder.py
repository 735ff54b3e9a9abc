"""What lies in a model's folder, sorted by what its name and first bytes say.

Names are read without ``.gz`` and ``.zst``. Firefox's say the languages (``model.ende.intgemm.alphas.bin``,
``vocab.ende.spm``): files of several pairs may lie in one folder, and each model gets its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dragoman.errors import ModelError, ModelFormatError, ModelNotFoundError
from dragoman.formats.compression import plain_name, plain_suffix
from dragoman.formats.decoder_values import complete
from dragoman.formats.decoder_yml import DecoderConfig, is_decoder_mapping, parse_decoder_config
from dragoman.formats.files import read_bytes, read_head

__all__ = ["Folder", "model_folders", "pair_tag", "scan_folder"]

_MAX_CONFIG_BYTES = 1 << 20
_BIN_HEAD = (1).to_bytes(8, "little")
_VOCABULARY_SUFFIXES = (".spm", ".yml", ".yaml", ".json", ".txt", ".vocab")
_UNREAD = (".xz", ".bz2")
_DEPTH = 3
_MOST_FOLDERS = 10_000


@dataclass(frozen=True)
class Folder:
    """The files of one folder.

    Attributes:
        path: the folder.
        names: all files in it, sorted.
        models: model files, without optimiser states.
        configs: decoder configurations.
        strangers: what is wrong with files that are called as models are, and are none.
    """

    path: Path
    names: tuple[str, ...]
    models: tuple[Path, ...]
    configs: tuple[DecoderConfig, ...]
    strangers: tuple[ModelError, ...] = ()

    def error(self, problem: str) -> ModelNotFoundError:
        """The error about this folder, with its files listed."""
        return ModelNotFoundError(self.path, problem, found=self.names)

    def nothing_found(self) -> ModelError:
        """The error for a folder without a model file; tells what is in its place."""
        if self.strangers:
            return self.strangers[0]
        packed = [name for name in self.names if name.endswith(_UNREAD)]
        if packed:
            return self.error(f"the files are compressed ({', '.join(packed[:5])}): unpack them first.")
        return self.error("there is no model (.npz or .bin) in this folder.")

    def is_firefox(self, model: Path) -> bool:
        """Whether the files have Firefox's names: ``model.*.bin`` and ``vocab.*.spm`` or
        ``srcvocab.*.spm``.
        """
        vocabularies = [name for name in self.names if name.startswith(("vocab.", "srcvocab."))]
        spm = any(plain_suffix(Path(name)) == ".spm" for name in vocabularies)
        return model.name.startswith("model.") and plain_suffix(model) == ".bin" and spm

    def shortlist(self, model: Path) -> Path | None:
        """The model's shortlist, recognised by its name; a binary one before a text one."""
        lists = [name for name in self._own(model) if name.startswith("lex.") and not name.endswith(_UNREAD)]
        lists.sort(key=lambda name: plain_suffix(Path(name)) != ".bin")
        return self.path / lists[0] if lists else None

    def vocabularies(self, model: Path) -> tuple[Path, Path]:
        """Source and target vocabulary by their names. Raises ModelNotFoundError if there are none, or too
        many.
        """
        source, target = self._vocabulary(model, "srcvocab."), self._vocabulary(model, "trgvocab.")
        if source and target:
            return source, target
        shared = self._vocabulary(model, "vocab.", inside=True)
        if shared is None:
            packed = [name for name in self.names if "vocab" in name and name.endswith(_UNREAD)]
            if packed:
                raise self.error(f"the vocabulary is compressed ({', '.join(packed)}): unpack it first.")
            raise self.error("there is no vocabulary (vocab.*.spm, vocab.yml, or srcvocab.* and trgvocab.*).")
        return shared, shared

    def _vocabulary(self, model: Path, prefix: str, *, inside: bool = False) -> Path | None:
        """The one file of this prefix; SentencePiece before others of the same stem, ``x.vocab.yml`` with
        ``inside``.
        """
        found = [name for name in self._own(model) if name.startswith(prefix) or (inside and f".{prefix}" in name)]
        for suffix in _VOCABULARY_SUFFIXES:
            chosen = [name for name in found if plain_suffix(Path(name)) == suffix]
            if len(chosen) > 1:
                names = ", ".join(chosen)
                raise self.error(
                    f"there are several vocabularies ({names}) and nothing says which is the source's: "
                    "write a decoder.yml, or use ModelFiles."
                )
            if chosen:
                return self.path / chosen[0]
        return None

    def _own(self, model: Path) -> list[str]:
        """Names of the files beside a model, without those of other pairs and those that are there unpacked too."""
        pairs = {tag for tag in (pair_tag(other) for other in self.models) if tag}
        others = pairs - {pair_tag(model)}
        names = [name for name in self.names if not any(f".{tag}." in name for tag in others)]
        return [name for name in names if plain_name(name) == name or plain_name(name) not in names]


def pair_tag(model: Path) -> str:
    """``ende`` for ``model.ende.intgemm.alphas.bin``; empty for names that say no pair."""
    parts = plain_name(model.name).split(".")
    return parts[1] if len(parts) > 3 and parts[0] == "model" and parts[-1] == "bin" else ""


def scan_folder(path: Path) -> Folder:
    """Look at the files of a folder; reads configurations and the first bytes of ``.bin`` files only.

    Raises:
        ModelNotFoundError: the folder cannot be read.
        ModelFormatError: a file that is a decoder configuration has a wrong value. Other YAML files do not
            matter.
    """
    try:
        files = sorted(entry for entry in path.iterdir() if entry.is_file())
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(path, f"cannot be read: {error}.") from error
    models, strangers = [], []
    names = {file.name for file in files}
    for file in files:
        if plain_name(file.name) != file.name and plain_name(file.name) in names:
            continue  # packed and unpacked: one file
        try:
            if _is_model(file):
                models.append(file)
        except ModelError as error:
            strangers.append(error)
    configs = [_decoder_config(file) for file in files if plain_suffix(file) in (".yml", ".yaml")]
    return Folder(
        path=path,
        names=tuple(file.name for file in files),
        models=tuple(models),
        configs=tuple(config for config in configs if config is not None),
        strangers=tuple(strangers),
    )


def model_folders(path: Path) -> list[Path]:
    """Folders in a folder, three levels deep, in which something called as a model is lies; sorted.

    Nothing below such a folder, no hidden ones, no links out of the way: at most 10 000 are looked at.
    """
    found: list[Path] = []
    waiting = [(path, 0)]
    for looked, (folder, depth) in enumerate(waiting):
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue
        if depth and any(_called_a_model(entry) and entry.is_file() for entry in entries):
            found.append(folder)
        elif depth < _DEPTH and looked < _MOST_FOLDERS:
            inner = [entry for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
            waiting += [(entry, depth + 1) for entry in inner if not (depth and entry.is_symlink())]
    return sorted(found)


def _called_a_model(file: Path) -> bool:
    suffix = plain_suffix(file)
    if suffix == ".npz":
        return not plain_name(file.name).endswith((".optimizer.npz", ".orig.npz"))
    return suffix == ".bin" and not file.name.startswith("lex.")


def _is_model(file: Path) -> bool:
    """Raises ModelError for something that should be one."""
    if not _called_a_model(file):
        return False
    return plain_suffix(file) == ".npz" or read_head(file)[:8] == _BIN_HEAD


def _decoder_config(file: Path) -> DecoderConfig | None:
    """The configuration in a YAML file, or None if it is something else: a vocabulary, a training
    configuration.
    """
    from dragoman.formats.yaml_text import parse_mapping  # slow to import, and many folders have no YAML

    try:
        if file.stat().st_size > _MAX_CONFIG_BYTES or "vocab" in file.name:
            return None
        text = bytes(read_bytes(file, limit=_MAX_CONFIG_BYTES)).decode("utf-8-sig")
        values = parse_mapping(text, file)
    except (ModelFormatError, ModelNotFoundError, OSError, UnicodeDecodeError):
        return None
    return parse_decoder_config(complete(values, file), file) if is_decoder_mapping(values) else None
