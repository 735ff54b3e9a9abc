"""What all tests share: where the real models are, and small models made up on the spot."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragoman import Translation

# Before NumPy loads its BLAS: its threads would compete with the tests for two cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Tests never touch the user's cache of prepared weights; processes they start inherit this one.
_cache = tempfile.TemporaryDirectory(prefix="dragoman-tests-", ignore_cleanup_errors=True)
os.environ["DRAGOMAN_CACHE"] = _cache.name

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from dragoman.formats.parameters import Parameter, ParameterFile, freeze  # noqa: E402

SHARED = Path(os.environ.get("DRAGOMAN_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real models and test data; the test is skipped where it is absent."""
    if not (SHARED / "models").is_dir():
        pytest.skip("no real models: set DRAGOMAN_SHARED, or put them in ../shared beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def make_float_model() -> Callable[..., ParameterFile]:
    """A maker of small random float models with one parameter of each sort that the rules tell apart."""

    def make(seed: int = 0, dim: int = 8, vocabulary: int = 24) -> ParameterFile:
        rng = np.random.default_rng(seed)
        shapes = {
            "Wemb": (vocabulary, dim),
            "encoder_l1_self_Wq": (dim, dim),
            "encoder_l1_ffn_W1": (dim, 3 * dim),
            "encoder_l1_ffn_b1": (1, 3 * dim),
            "encoder_l1_ffn_W10": (dim, dim),
            "decoder_W_comb_att": (dim, dim),
            "decoder_l1_rnn_W": (dim, dim),
            "decoder_ff_logit_out_b": (1, vocabulary),
        }
        parameters = {}
        for name, shape in shapes.items():
            data = rng.standard_normal(shape).astype(np.float32)
            data.flags.writeable = False
            parameters[name] = Parameter(name, shape, data)
        options: dict[str, object] = {"type": "transformer", "dim-emb": dim, "dim-vocabs": [vocabulary] * 2}
        alphas = {"Wemb": 17.5, "none": 17.5, "encoder_l1_self_Wq": 9.25, "encoder_l1_ffn_W1": 30.0}
        return freeze(Path("made-up.npz"), parameters, options, alphas)

    return make


@pytest.fixture(scope="session")
def spm_bytes() -> bytes:
    """A SentencePiece model of 64 pieces with Marian's ids, trained on made-up words."""
    sentencepiece = pytest.importorskip("sentencepiece")
    rng = np.random.default_rng(7)
    words = ["".join(rng.choice(list("abcdefghiéß"), rng.integers(2, 7))) for _ in range(120)]
    lines = [" ".join(rng.choice(words, 8)) for _ in range(400)]
    target = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=target,
        vocab_size=64,
        eos_id=0,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return target.getvalue()


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, spm_bytes: bytes) -> Path:
    """Small models that really translate: m0 to m5 of three architectures, equal vocabularies."""
    from fleet_tools import make_folders

    folder = tmp_path_factory.mktemp("models")
    make_folders(folder, spm_bytes, 6)
    return folder


@pytest.fixture(autouse=True)
def no_second_tries(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The small models are random, and say everything again and again."""
    if "folders" in request.fixturenames:
        monkeypatch.setattr("dragoman.text.dialogue._ran_away", lambda answer: False)


@pytest.fixture(scope="session")
def alone(folders: Path) -> dict[tuple[str, str], Translation]:
    """Each text by each model, alone: what every answer must equal."""
    from fleet_tools import TEXTS

    from dragoman import Translator, load

    found = {}
    for folder in sorted(folders.iterdir()):
        with Translator(load(folder)) as translator:
            found.update({(folder.name, text): translator.translate(text, split="none") for text in TEXTS})
    return found


@pytest.fixture(autouse=True, scope="module")
def _no_shared_service() -> Iterator[None]:
    """The service of `dragoman.translate` ends with the module that used it: others count threads."""
    yield
    shared_service = sys.modules.get("dragoman.service.shared")
    if shared_service is not None:
        shared_service.close_shared()
