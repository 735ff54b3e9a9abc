"""inspect, plan and convert; and folders in the forms in which others publish: OPUS-MT's and Firefox's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_tools import read_lines, run

import dragoman
from dragoman.formats.model_file import read_parameters


@pytest.fixture(scope="module")
def ende(shared: Path) -> Path:
    return shared / "models" / "ende-tiny-ssru"


def opus_folder(model: Path, folder: Path, language_token: str) -> Path:
    """A model with a SentencePiece vocabulary in the form in which OPUS-MT publishes: the vocabulary as text,
    and SentencePiece models that only make the pieces. The rarest piece gives way to the language token.
    """
    folder.mkdir()
    vocabulary = (model / "vocab.enfr.yml").read_text(encoding="utf-8").splitlines()
    processor = dragoman.load(model).vocabularies[0].processor  # type: ignore[union-attr]
    rare = processor.id_to_piece(processor.get_piece_size() - 1)
    changed = [None if line.rpartition(":")[0].strip("\"' ") == rare else line for line in vocabulary]
    assert changed.count(None) == 1
    number = vocabulary[changed.index(None)].rpartition(":")[2]
    lines = [line if line is not None else f'"{language_token}":{number}' for line in changed]
    (folder / "vocab.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in ("source.spm", "target.spm"):
        os.symlink(model / "vocab.enfr.spm", folder / name)
    os.symlink(model / "model.npz", folder / "model.npz")
    (folder / "decoder.yml").write_text(
        "relative-paths: true\nmodels: [model.npz]\nvocabs: [vocab.yml, vocab.yml]\n"
        "beam-size: 1\nnormalize: 1\nmax-length-factor: 2.5\n"
    )
    return folder


def test_an_opus_folder_translates_as_the_model_it_is_made_of(shared: Path, tmp_path: Path) -> None:
    model = shared / "models" / "enfr-selfattn"
    folder = opus_folder(model, tmp_path / "opus", ">>fra<<")
    source = "\n".join(read_lines(model / "ref" / "test200.en", 25))
    expected = read_lines(model / "ref" / "f32.beam1.200.fr", 25)
    assert run("translate", "--model", model, text=source).lines == expected
    assert run("translate", "--model", folder, text=source).lines == expected
    facts = json.loads(run("inspect", folder, "--json").output)
    assert (facts["recognised_as"], facts["vocabularies"]["source"]["kind"]) == ("opus-mt", "list of pieces")

    pieces = dragoman.load(folder).pieces
    plain, marked = pieces.encode(["A man.", ">>fra<< A man."])
    assert marked[1:] == plain and pieces.source_tokens(marked[:1]) == (">>fra<<",)
    unknown, spaced = pieces.encode([">>xyz<< A man.", "  >>fra<<  A man."])
    assert len(unknown) > len(marked) and spaced == marked

    # marian-decoder knows nothing of the SentencePiece models: it takes pieces and gives pieces.
    first = " ".join(pieces.source_tokens(pieces.encode([source.split("\n")[0]])[0]))
    (line,) = run("decoder", "-c", folder / "decoder.yml", "--quiet", text=first + "\n").lines
    assert line.replace(" ", "").replace("\u2581", " ").strip() == expected[0]


def test_firefox_folders_with_one_vocabulary_or_two(ende: Path, tmp_path: Path) -> None:
    texts = "\n".join(read_lines(ende / "ref" / "test200.en", 25))
    found = []
    for vocabularies in (("vocab.ende.spm",), ("srcvocab.ende.spm", "trgvocab.ende.spm")):
        folder = tmp_path / str(len(vocabularies))
        folder.mkdir()
        for name in vocabularies:
            os.symlink(ende / "vocab.ende.spm", folder / name)
        os.symlink(ende / "model.intgemm.alphas.bin", folder / "model.ende.intgemm.alphas.bin")
        os.symlink(ende / "lex.50.50.s2t.bin", folder / "lex.50.50.ende.s2t.bin")
        found.append(run("translate", "--model", folder, text=texts).lines)
        facts = json.loads(run("inspect", folder, "--json").output)
        assert facts["recognised_as"] == "firefox" and facts["vocabularies"]["shared"]
        assert facts["shortlist"]["first"] == 50 and facts["defaults"]["max_length"] == 128
    assert found[0] == found[1]
    assert len(found[0]) == 25 and "" not in found[0]


def test_inspect_says_what_a_model_is(ende: Path) -> None:
    facts = json.loads(run("inspect", ende, "--json").output)
    assert facts["model"].endswith("model.intgemm.alphas.bin") and facts["precision"] == "int8"
    assert facts["vocabularies"]["source"]["pieces"] == facts["vocabularies"]["target"]["pieces"] == 8000
    assert facts["bytes"]["model_file"] == (ende / "model.intgemm.alphas.bin").stat().st_size
    assert facts["bytes"]["prepared_weights"] == dragoman.load(ende).weights_bytes
    stored = read_parameters(ende / "model.npz")
    assert facts["parameters"] == sum(one.data.size for one in stored.parameters.values())
    shown = run("inspect", ende).output.decode()
    assert "10,739,008" in shown and "int8" in shown and "transformer" in shown


def test_plans_grow_with_the_batch(ende: Path, tmp_path: Path) -> None:
    assert "needs " in run("plan", ende).output.decode()
    needs = []
    for arguments in ((), ("--sentences", "64"), ("--tokens", "80"), ("--beam-size", "4")):
        content = json.loads(run("plan", ende, "--json", "--precision", "float32", *arguments).output)
        needs.append(content["need_bytes"])
        assert content["lower_bound_bytes"] <= content["need_bytes"] <= 1.1 * content["lower_bound_bytes"]
    assert all(need > needs[0] for need in needs[1:])
    few = json.loads(run("plan", ende, "--json", "--target-tokens", "3").output)
    assert few["need_bytes"] <= json.loads(run("plan", ende, "--json").output)["need_bytes"]


def test_plans_are_drawn_where_matplotlib_is(ende: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "plan.svg"
    ran = run("plan", ende, "--plot", picture)
    assert ran.code == 0 and str(picture) in ran.said
    assert b"<svg" in picture.read_bytes()
    assert run("plan", ende, "--plot", tmp_path / "plan.nonsense").code == 2


def test_a_float_model_becomes_an_int8_model(ende: Path, tmp_path: Path) -> None:
    vocabularies = ("--vocabs", ende / "vocab.ende.spm", ende / "vocab.ende.spm")
    text = tmp_path / "text"
    text.write_text("\n".join(read_lines(ende / "ref" / "test200.en", 12)) + "\n\n", encoding="utf-8")
    plain, calibrated = tmp_path / "plain.bin", tmp_path / "model.alphas.bin"
    ran = run("convert", ende / "model.npz", plain)
    assert (ran.code, ran.output) == (0, b"") and f"wrote {plain}" in ran.said
    ran = run("convert", ende / "model.npz", calibrated, *vocabularies, "--calibrate", text)
    assert ran.code == 0 and "12 sentences" in ran.said
    assert not read_parameters(plain).alphas
    alphas = read_parameters(calibrated).alphas
    reference = read_parameters(ende / "model.intgemm.alphas.bin")
    assert set(alphas) == set(reference.alphas)
    assert all(0.5 < alphas[name] / reference.alphas[name] < 2 for name in alphas)
    reference_bytes = (ende / "model.intgemm.alphas.bin").stat().st_size
    assert abs(calibrated.stat().st_size - reference_bytes) < 1000

    os.symlink(ende / "vocab.ende.spm", tmp_path / "vocab.ende.spm")
    source = read_lines(ende / "ref" / "test200.en", 40)
    for model in (plain, calibrated):
        found = run("translate", "--model", model, text="\n".join(source)).lines
        expected = read_lines(ende / "ref" / "f32.beam1.200.de", 40)
        assert sum(one == other for one, other in zip(found, expected, strict=True)) >= 10


def test_a_text_shortlist_becomes_marians_binary(ende: Path, tmp_path: Path) -> None:
    vocabularies = ("--vocabs", ende / "vocab.ende.spm", ende / "vocab.ende.spm")
    target = tmp_path / "lex.bin"
    ran = run("convert", ende / "lex.50.50.s2t", target, *vocabularies, "--first", "50", "--best", "50")
    assert ran.code == 0 and f"wrote {target}" in ran.said
    assert target.read_bytes() == (ende / "lex.50.50.s2t.bin").read_bytes()


def test_what_cannot_be_converted(ende: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    wrong_usage = [
        (ende / "lex.50.50.s2t", target),
        (ende / "lex.50.50.s2t", target, "--vocabs", "a", "b", "--calibrate", "text"),
        (ende / "model.npz", target, "--first", "3"),
        (ende / "model.npz", tmp_path / "out.npz"),
        (ende / "model.npz", ende / "model.npz"),
    ]
    assert [run("convert", *arguments).code for arguments in wrong_usage] == [2] * 5
    (tmp_path / "packed").write_bytes(b"\xfd7zXZ\0" + bytes(30))
    (tmp_path / "damaged").write_bytes(b"PK" + bytes(30))
    failing = [ende / "model.intgemm.alphas.bin", ende / "lex.50.50.s2t.bin", tmp_path / "packed"]
    for path in (*failing, tmp_path / "damaged", tmp_path / "missing"):
        ran = run("convert", path, target)
        assert ran.code == 1 and path.name in ran.said
    assert "unpack" in run("convert", tmp_path / "packed", target).said.lower()
    assert not target.exists()
