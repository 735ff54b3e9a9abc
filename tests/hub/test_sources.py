"""Every kind of source, by its content: listed, pulled, loaded, and the same as the files that it was made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hub_mirrors import (
    RECORDS,
    Student,
    bergamot_archive,
    models_json,
    opus_archive,
    records,
    repository,
    translatelocally,
)
from hub_server import Site
from marian_mt import hugging_face_folder

import dragoman
from dragoman import hub
from dragoman.errors import HubError
from dragoman.formats.model_file import read_parameters

LINES = ["abc de fghi", "hid a babe", "éß ice"]


def translated(model: dragoman.Model) -> list[str]:
    with dragoman.Translator(model) as translator:
        return [one.text for one in translator.translate(LINES, beam_size=1, normalize=1.0, max_length_factor=1.5)]


def expected(student: Student) -> list[str]:
    return translated(dragoman.load(dragoman.ModelFiles(student.model, student.vocabulary, student.lex)))


def put_records(site: Site, found: list[dict[str, object]], *, root: bool = True) -> str:
    """Records where Remote Settings has them, with or without the server's own description."""
    headers = {"ETag": '"1"', "Content-Type": "application/json"}
    site.answers[RECORDS] = (200, headers, json.dumps({"data": found}).encode())
    if root:
        base = {"capabilities": {"attachments": {"base_url": site.url + "/"}}}
        site.answers["/v1/"] = (200, {}, json.dumps(base).encode())
    return site.url + RECORDS


@pytest.mark.parametrize("root", [True, False], ids=["capabilities", "origin"])
def test_remote_settings(site: Site, students: tuple[Student, Student], store: Path, root: bool) -> None:
    source = put_records(site, records(site.root, [("en", "cs", "tiny", "3.0", students[0])]), root=root)
    (offer,) = hub.search(source=source)
    assert (offer.pair, offer.architecture, offer.version, offer.licence) == ("en-cs", "tiny", "3.0", "MPL-2.0")
    path = hub.pull("en-cs", source=source)
    assert path == store / "en-cs.firefox.tiny"
    assert (path / "model.encs.intgemm.alphas.bin").read_bytes() == students[0].model.read_bytes()
    assert translated(dragoman.load(path)) == expected(students[0])
    assert hub.verify() == {"en-cs.firefox.tiny": []}


def test_remote_settings_beside_its_document(site: Site, students: tuple[Student, Student]) -> None:
    """Mirrors keep attachments below the document, not below the host."""
    found = records(site.root / "mirror" / "of", [("en", "cs", "tiny", "3.0", students[0])])
    (site.root / "mirror" / "of" / "records.json").write_text(json.dumps({"data": found}))
    for source in (f"{site.url}/mirror/of/records.json", f"{site.url}/mirror/of/", str(site.root / "mirror" / "of")):
        assert hub.search(source=source)[0].pair == "en-cs"
        hub.pull("en-cs", source=source)
        hub.remove("en-cs")


def test_the_newest_of_an_architecture_and_the_best_architecture(site: Site, students: tuple[Student, Student]) -> None:
    one, two = students
    made = [
        ("en", "cs", "tiny", "3.0", one),
        ("en", "cs", "base-memory", "2.9", two),
        ("en", "cs", "base-memory", "3.0a1", two),
        ("en", "cs", "base-memory", "3.0", one),
        ("en", "cs", "base", "3.0", two),
    ]
    rules = {"tiny": "env.appinfo.OS == 'Android'", "base": "env.channel == 'default' || env.channel == 'nightly'"}
    source = put_records(site, records(site.root, made, rules=rules))
    offers = {offer.architecture: offer for offer in hub.search(source=source)}
    assert {kind: (one.version, one.status) for kind, one in offers.items()} == {
        "tiny": ("3.0", "android"),
        "base-memory": ("3.0", "release"),
        "base": ("3.0", "nightly"),
    }
    assert hub.pull("en-cs", source=source).name == "en-cs.firefox.base-memory"
    assert hub.pull("en-cs", source=source, architecture="tiny").name == "en-cs.firefox.tiny"
    with pytest.raises(HubError, match="Nearest: en-cs"):
        hub.pull("en-ck", source=source)


def test_an_incomplete_model_is_not_offered(site: Site, students: tuple[Student, Student]) -> None:
    found = records(site.root, [("en", "cs", "tiny", "3.1", students[0]), ("en", "cs", "tiny", "3.0", students[1])])
    found = [one for one in found if (one["version"], one["fileType"]) != ("3.1", "vocab")]
    (offer,) = hub.search(source=put_records(site, found))
    assert offer.version == "3.0"


def test_models_json(site: Site, students: tuple[Student, Student]) -> None:
    made = [("en", "zh-Hans", "base", students[0]), ("en", "zh_hant", "base", students[1])]
    document = models_json(site.root, site.url, made)
    site.answers["/db/models.json"] = (200, {}, document)
    source = site.url + "/db/models.json"
    for wanted, student in (("en-zh", students[0]), ("en-zh_Hant", students[1]), ("en-zh-TW", students[1])):
        path = hub.pull(wanted, source=source)
        assert translated(dragoman.load(path)) == expected(student)


def test_translatelocally(site: Site, students: tuple[Student, Student]) -> None:
    document = translatelocally(site.root, site.url, [("de", "en", students[0]), ("cs", "en", students[1])])
    site.answers["/models.json"] = (200, {}, document)
    path = hub.pull("cs-en", source=site.url + "/models.json")
    assert path.name == "cs-en.bergamot.tiny" and (path / "config.intgemm8bitalpha.yml").is_file()
    model = dragoman.load(path)
    assert translated(model) == expected(students[1]) and model.files.config is not None


def test_one_bergamot_archive(site: Site, students: tuple[Student, Student]) -> None:
    (site.root / "x.tar.gz").write_bytes(bergamot_archive("deen", "de", "en", students[0]))
    path = hub.pull("de-en", source=site.url + "/x.tar.gz")
    assert translated(dragoman.load(path)) == expected(students[0])
    assert hub.stored_models()[0].languages == ("de", "en")


def test_opus_mt(site: Site, shared: Path) -> None:
    folder = shared / "models" / "enfr-selfattn"
    data = opus_archive(folder / "model.npz", folder / "vocab.enfr.yml", folder / "vocab.enfr.spm")
    place = site.root / "OPUS-MT-models" / "en-fr"
    place.mkdir(parents=True)
    for date in ("2020-02-26", "2019-12-18"):
        (place / f"opus-{date}.zip").write_bytes(data if date == "2020-02-26" else b"PK\x03\x04 old")
    index = ("en-fr/opus-2019-12-18.eval.txt", "en-fr/opus-2019-12-18.zip", "en-fr/opus-2020-02-26.zip", "de-en/x.zip")
    (site.root / "OPUS-MT-models" / "index.txt").write_text("\n".join(index))
    path = hub.pull("en-fr", source=site.url + "/OPUS-MT-models/index.txt")
    assert path.name == "en-fr.opus-mt" and hub.stored_models()[0].version == "2020-02-26"
    model = dragoman.load(path)
    assert model.files.kind == "opus-mt" and model.defaults.beam_size == 6
    other = dragoman.load(folder)
    with dragoman.Translator(model) as one, dragoman.Translator(other) as two:
        text = "A man in a blue shirt is standing on a ladder."
        assert one.translate(text, beam_size=1).text == two.translate(text, beam_size=1).text
    hub.remove("en-fr")
    assert hub.pull("en-fr", source=f"{site.url}/OPUS-MT-models/en-fr/opus-2020-02-26.zip").is_dir()


def test_bpe_is_refused(site: Site, students: tuple[Student, Student], store: Path) -> None:
    data = opus_archive(students[0].model, students[0].vocabulary, students[0].vocabulary, bpe=True)
    (site.root / "en-fr.zip").write_bytes(data)
    with pytest.raises(HubError, match="BPE"):
        hub.pull("en-fr", source=site.url + "/en-fr.zip")
    assert not hub.stored_models()


@pytest.mark.parametrize("weights", ["safetensors", "zip", "legacy"])
def test_hugging_face(site: Site, shared: Path, tmp_path: Path, weights: str) -> None:
    """What is converted is what Marian's file holds, bit for bit."""
    original = shared / "models" / "enfr-selfattn"
    arguments = (original / "model.npz", original / "vocab.enfr.yml", original / "vocab.enfr.spm")
    folder = hugging_face_folder(tmp_path / "hf", *arguments, weights=weights)
    name = "Helsinki-NLP/opus-mt-en-fr"
    said = repository(site.root, name, {path.name: path for path in folder.iterdir()})
    site.answers[f"/api/models/{name}"] = (200, {}, json.dumps(said).encode())
    site.answers[f"/{name}"] = (200, {"Content-Type": "text/html"}, b"<!doctype html><html>a page</html>")
    path = hub.pull("en-fr", source=f"{site.url}/{name}")
    assert path.name == "en-fr.huggingface.opus-mt-en-fr" and hub.stored_models()[0].licence == "Apache-2.0"
    found, wanted = read_parameters(path / "model.npz"), read_parameters(original / "model.npz")
    assert found.parameters.keys() == wanted.parameters.keys()
    for parameter in wanted.parameters.values():
        assert found.parameters[parameter.name].data.tobytes() == parameter.data.tobytes(), parameter.name
    with dragoman.Translator(dragoman.load(path)) as one, dragoman.Translator(dragoman.load(original)) as two:
        lines = (original / "ref" / "test20.en").read_text(encoding="utf-8").splitlines()[:5]
        ours = one.translate(lines, beam_size=1, normalize=1.0)
        theirs = two.translate(lines, beam_size=1, normalize=1.0)
        assert [(t.text, t.score) for t in ours] == [(t.text, t.score) for t in theirs]


def test_a_mirror_of_hugging_face_without_its_interface(site: Site, shared: Path, tmp_path: Path) -> None:
    original = shared / "models" / "enfr-selfattn"
    arguments = (original / "model.npz", original / "vocab.enfr.yml", original / "vocab.enfr.spm")
    for place in ("a/opus-mt-en-fr/resolve/main", "opus-mt-en-fr"):
        hugging_face_folder(site.root / place, *arguments, weights="safetensors")
    site.answers["/a/opus-mt-en-fr"] = (404, {}, b"")
    site.answers["/opus-mt-en-fr"] = (404, {}, b"")
    for source in ("/a/opus-mt-en-fr", "/opus-mt-en-fr"):
        (offer,) = hub.search(source=site.url + source)
        assert (offer.name, offer.pair, len(offer.files)) == ("en-fr.huggingface.opus-mt-en-fr", "en-fr", 6)


def test_a_hugging_face_folder(shared: Path, tmp_path: Path, store: Path) -> None:
    original = shared / "models" / "enfr-selfattn"
    arguments = (original / "model.npz", original / "vocab.enfr.yml", original / "vocab.enfr.spm")
    folder = hugging_face_folder(tmp_path / "opus-mt-en-fr", *arguments, weights="safetensors")
    assert hub.pull("en-fr", source=str(folder)).parent == store
    (folder / "source.spm").rename(folder / "source.bpe")
    with pytest.raises(HubError, match="BPE"):
        hub.pull("en-fr", source=str(folder))


def test_folders_of_models(site: Site, students: tuple[Student, Student], store: Path) -> None:
    """Nested folders, compressed files, on this machine and by a server's pages."""
    import gzip

    for pair, kind, student in (("ende", "tiny", students[0]), ("de-en", "base", students[1])):
        place = site.root / "all" / pair / kind
        place.mkdir(parents=True)
        short = pair.replace("-", "")
        (place / f"model.{short}.intgemm.alphas.bin.gz").write_bytes(gzip.compress(student.model.read_bytes(), 1))
        (place / f"vocab.{short}.spm").write_bytes(student.vocabulary.read_bytes())
    for source in (f"{site.url}/all/", f"{site.url}/all", str(site.root / "all")):
        offers = hub.search(source=source)
        assert {(offer.pair, offer.architecture) for offer in offers} == {("en-de", "tiny"), ("de-en", "base")}
        assert translated(dragoman.load(hub.pull("en-de", source=source))) == expected(students[0])
        assert translated(dragoman.load(hub.pull("de-en", source=source))) == expected(students[1])


def test_another_store_is_a_mirror(site: Site, students: tuple[Student, Student], store: Path, tmp_path: Path) -> None:
    source = put_records(site, records(site.root, [("en", "cs", "tiny", "3.0", students[0])]))
    hub.pull("en-cs", source=source, folder=site.root / "store")
    for mirror in (f"{site.url}/store/", str(site.root / "store")):
        path = hub.pull("en-cs", source=mirror)
        (model,) = hub.stored_models()
        assert (path, model.licence, model.version) == (store / "en-cs.firefox.tiny", "MPL-2.0", "3.0")
        assert hub.verify() == {model.name: []}


def test_what_is_no_catalogue(site: Site) -> None:
    for name, content in {"a.json": b'{"x": 1}', "b.txt": b"hello world", "c.html": b"<html></html>", "d": b""}.items():
        (site.root / name).write_bytes(content)
        with pytest.raises(HubError):
            hub.search(source=f"{site.url}/{name}")
    with pytest.raises(HubError, match="no source"):
        hub.search(source="nowhere")
