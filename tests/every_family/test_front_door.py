"""Every family through every door: load, translate, decoder, prepare (cold and from the cache), inspect, plan, Fleet.

What comes out is what the reference back end makes of the same file. Each family runs in one storage by default, in
all of them with ``-m slow``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_tools import run
from every_family.front_door import LINES, STORAGES, Folder, make_folder, reference
from random_models import FAMILIES

import dragoman
from dragoman.backends.batch import SearchOptions

OLD = [name for name in FAMILIES if name.startswith(("amun", "nematus"))]
QUICK = {(family, STORAGES[number % len(STORAGES)]) for number, family in enumerate(FAMILIES)}
QUICK |= {(family, storage) for family in OLD for storage in ("npz", "bin", "bin-int8")}
PAIRS = [
    pytest.param(family, storage, marks=[] if (family, storage) in QUICK else pytest.mark.slow)
    for family in FAMILIES
    for storage in STORAGES
]
STORED = {"npz": "float32", "npz-float16": "float32", "bin": "float32", "bin-float16": "float32",
          "bin-int16": "float32", "bin-int8": "int8-rows", "bin-int8-alphas": "int8"}  # fmt: skip
BEAM = SearchOptions(beam_size=2, n_best=2, normalize=0.6, word_scores=True)


def check_against_reference(folder: Folder, model: dragoman.Model, found: list[dragoman.Translation]) -> None:
    """Floats: the same hypotheses. Integers, where a value may fall on either side of a border between two numbers:
    what came out has about the scores that the reference gives it."""
    sources = [model.pieces.finish(ids) for ids in model.pieces.encode([line for line in LINES if line])]
    answers = [translation for translation, line in zip(found, LINES, strict=True) if line]
    if model.precision == "float32":
        for translation, expected in zip(answers, reference(folder, sources, "float32", BEAM, 1.0), strict=True):
            for one, raw in zip(translation.n_best, expected, strict=True):
                assert one.tokens == model.pieces.target_tokens(raw.ids.tolist())
                assert one.text == model.pieces.decode([raw.ids.tolist()])[0]
                assert one.score == pytest.approx(raw.score, abs=2e-3)
        return
    target = model.vocabularies[1]
    ids = [[target.id_of(token) for token in translation.tokens] for translation in answers]
    forced = reference(folder, sources, model.precision, SearchOptions(word_scores=True), 1.0, prefixes=ids)
    differences = [
        np.abs(np.array(translation.word_scores) - raw.word_scores)
        for translation, (raw,) in zip(answers, forced, strict=True)
    ]
    assert np.median(np.concatenate(differences)) < 2e-3
    assert np.concatenate(differences).max() < 0.5


@pytest.mark.parametrize(("family", "storage"), PAIRS)
def test_every_door(
    family: str, storage: str, tmp_path: Path, spm_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_CACHE", str(tmp_path / "cache"))
    folder = make_folder(tmp_path / "models" / "xxyy", family, storage, spm_bytes)

    model = dragoman.load(folder.path)
    assert model.precision == STORED[storage]
    assert model.file_backed, "prepared cold, and kept"
    with dragoman.Translator(model) as translator:
        found = translator.translate(list(LINES), split="none", n_best=2, word_scores=True)
    check_against_reference(folder, model, found)
    assert found[LINES.index("")].text == ""

    again = dragoman.load(folder.model if storage.startswith("npz") else folder.path / "decoder.yml")
    assert again.weights.path == model.weights.path, "from the cache"
    with dragoman.Translator(again, threads=2) as translator:
        assert [one.text for one in translator.translate(list(LINES), split="none")] == [one.text for one in found]

    text = "".join(f"{line}\n" for line in LINES)
    decoded = run("decoder", "-c", folder.path / "decoder.yml", text=text)
    assert (decoded.code, decoded.lines) == (0, [translation.text for translation in found]), decoded.said

    prepared = run("prepare", folder.path)
    assert prepared.code == 0 and str(model.weights.path) in prepared.output.decode()
    inspected = run("inspect", "--json", folder.path)
    assert inspected.code == 0
    assert json.loads(inspected.output)["type"] == FAMILIES[family]["type"]
    planned = run("plan", "--json", folder.path)
    assert planned.code == 0 and json.loads(planned.output)

    with (
        dragoman.Fleet.from_directory(tmp_path / "models") as fleet,
        dragoman.Service(fleet, workers=2) as service,
    ):
        served = service.translate(list(LINES), model="xxyy", split="none", n_best=2, word_scores=True)
    for one, other in zip(served, found, strict=True):
        again_for_repeats = bool(one.warnings)  # what random weights write often repeats itself
        assert one.n_best == other.n_best or not one.source or again_for_repeats, "the same bits"


def test_readme_names_these_families() -> None:
    """Each type, cell and storage that the README promises is among them."""
    options = [value for family in FAMILIES.values() for value in family.values()]
    promised = "transformer s2s amun nematus ssru sru gru lstm mlstm mgru tanh relu swish gelu average-attention rnn"
    assert set(promised.split()) <= set(map(str, options))
