"""What lies in a model's folder, sorted by what its name and first bytes say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dragoman.errors import ModelFormatError, ModelNotFoundError
from dragoman.formats.decoder_yml import DecoderConfig, is_decoder_mapping, parse_decoder_config
from dragoman.formats.files import read_bytes

__all__ = ["Folder", "scan_folder"]

_MAX_CONFIG_BYTES = 1 << 20
_BIN_HEAD = (1).to_bytes(8, "little")
_VOCABULARY_SUFFIXES = (".spm", ".yml", ".yaml", ".json", ".txt", ".vocab")
_COMPRESSED = (".gz", ".zst", ".xz")


@dataclass(frozen=True)
class Folder:
    """The files of one folder.

    Attributes:
        path: the folder.
        names: all files in it, sorted.
        models: model files, without optimiser states.
        configs: decoder configurations.
        shortlist: the shortlist recognised by name, a binary one before a text one, or None.
    """

    path: Path
    names: tuple[str, ...]
    models: tuple[Path, ...]
    configs: tuple[DecoderConfig, ...]
    shortlist: Path | None

    def error(self, problem: str) -> ModelNotFoundError:
        """The error about this folder, with its files listed."""
        return ModelNotFoundError(self.path, problem, found=self.names)

    def nothing_found(self) -> ModelNotFoundError:
        """The error for a folder without a model file; tells compressed ones apart."""
        packed = [name for name in self.names if name.endswith(_COMPRESSED)]
        if packed:
            return self.error(f"the files are compressed ({', '.join(packed[:5])}): unpack them first.")
        return self.error("there is no model (.npz or .bin) in this folder.")

    def is_firefox(self, model: Path) -> bool:
        """Whether the files have Firefox's names: ``model.*.bin`` and ``vocab.*.spm`` or
        ``srcvocab.*.spm``.
        """
        spm = any(name.startswith(("vocab.", "srcvocab.")) and name.endswith(".spm") for name in self.names)
        return model.name.startswith("model.") and model.suffix == ".bin" and spm

    def vocabularies(self) -> tuple[Path, Path]:
        """Source and target vocabulary by their names. Raises ModelNotFoundError if there are none, or too
        many.
        """
        source, target = self._vocabulary("srcvocab."), self._vocabulary("trgvocab.")
        if source and target:
            return source, target
        shared = self._vocabulary("vocab.", inside=True)
        if shared is None:
            packed = [name for name in self.names if "vocab" in name and name.endswith(_COMPRESSED)]
            if packed:
                raise self.error(f"the vocabulary is compressed ({', '.join(packed)}): unpack it first.")
            raise self.error("there is no vocabulary (vocab.*.spm, vocab.yml, or srcvocab.* and trgvocab.*).")
        return shared, shared

    def _vocabulary(self, prefix: str, *, inside: bool = False) -> Path | None:
        """The one file of this prefix; SentencePiece before others of the same stem, ``x.vocab.yml`` with
        ``inside``.
        """
        found = [
            name
            for name in self.names
            if (name.startswith(prefix) or (inside and f".{prefix}" in name))
            and name.endswith(_VOCABULARY_SUFFIXES)
        ]
        for suffix in _VOCABULARY_SUFFIXES:
            chosen = [name for name in found if name.endswith(suffix)]
            if len(chosen) > 1:
                names = ", ".join(chosen)
                raise self.error(
                    f"there are several vocabularies ({names}) and nothing says which is the source's: "
                    "write a decoder.yml, or use ModelFiles."
                )
            if chosen:
                return self.path / chosen[0]
        return None


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
    shortlists = [file for file in files if file.name.startswith("lex.") and file.suffix not in _COMPRESSED]
    shortlists.sort(key=lambda file: file.suffix != ".bin")
    configs = [_decoder_config(file) for file in files if file.suffix in (".yml", ".yaml")]
    return Folder(
        path=path,
        names=tuple(file.name for file in files),
        models=tuple(file for file in files if _is_model(file)),
        configs=tuple(config for config in configs if config is not None),
        shortlist=shortlists[0] if shortlists else None,
    )


def _is_model(file: Path) -> bool:
    if file.suffix == ".npz":
        return not file.name.endswith((".optimizer.npz", ".orig.npz"))
    if file.suffix != ".bin" or file.name.startswith("lex."):
        return False
    with file.open("rb") as stream:
        return stream.read(8) == _BIN_HEAD


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
    return parse_decoder_config(values, file) if is_decoder_mapping(values) else None
