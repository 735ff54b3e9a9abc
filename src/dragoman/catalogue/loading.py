"""``dragoman.load``: a model by its files, or by its languages."""

from __future__ import annotations

import os
from pathlib import Path

from dragoman.architectures import Compatibility
from dragoman.backends.find import BackendName
from dragoman.errors import ModelNotFoundError, OptionsError
from dragoman.formats.bundle import ModelFiles
from dragoman.model import Model, PrecisionChoice
from dragoman.model import load as load_files

__all__ = ["load"]


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
        path: a folder, a decoder yml, a model file beside its vocabularies, or `ModelFiles`; where there is no such
            file, the name or the languages ("en-cs") of a model that was pulled or comes along.
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
    return load_files(_resolved(path), precision=precision, shortlist=shortlist, compat=compat, backend=backend)


def _resolved(path: Path | str | ModelFiles) -> Path | str | ModelFiles:
    """A path for a name. What looks like a path, or is one, stays."""
    if not isinstance(path, str | os.PathLike | ModelFiles):
        raise OptionsError("path", path, "a path, a name or languages such as 'en-de', or ModelFiles")
    if not isinstance(path, str) or os.sep in path or "/" in path or os.path.exists(path):
        return path
    from dragoman.catalogue.known import find_known
    from dragoman.catalogue.store import models_folder

    found = find_known(path)
    if found is None and "." not in path:
        problem = f"no such file, and no model of this name in {models_folder()}: `dragoman models pull {path}`"
        raise ModelNotFoundError(path, f"{problem} fetches one.")
    return path if found is None else found
