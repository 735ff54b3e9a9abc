"""The clients that people have, as PyPI has them, against a live server on a real socket."""

from __future__ import annotations

import io
import json
import os
import time
import urllib.request
from pathlib import Path

import pytest
from server.conftest import Live


def test_libretranslatepy(live: Live) -> None:
    library = pytest.importorskip("libretranslatepy")
    api = library.LibreTranslateAPI(live.url + "/")
    assert {row["code"] for row in api.languages()} >= {"en", "de", "fr"}
    assert api.translate("Good morning.", "en", "de")
    assert api.detect("Guten Morgen, wie geht es dir heute?")[0]["language"] == "de"


def test_weblate_sends_lists(live: Live) -> None:
    body = {"api_key": "", "q": ["Yes.", "No."], "source": "en", "target": "fr"}
    request = urllib.request.Request(
        live.url + "/translate", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert len(json.load(answer)["translatedText"]) == 2


@pytest.fixture
def deepl(live: Live):  # type: ignore[no-untyped-def]
    library = pytest.importorskip("deepl")
    return library.DeepLClient("any-key", server_url=live.url)


def test_deepl_texts(deepl) -> None:  # type: ignore[no-untyped-def]
    one = deepl.translate_text("How are you?", target_lang="DE", source_lang="EN")
    assert one.text and one.detected_source_lang == "EN" and one.billed_characters == 12
    many = deepl.translate_text(["Yes.", "No."], target_lang="FR")
    assert len(many) == 2 and all(row.detected_source_lang == "EN" for row in many)
    page = deepl.translate_text("<p>Good <b>morning</b></p>", target_lang="DE", source_lang="EN", tag_handling="html")
    assert page.text.startswith("<p>") and page.text.count("<b>") == page.text.count("</b>") == 1
    assert deepl.translate_text("One. Two.", target_lang="EN-GB", source_lang="DE").text


def test_deepl_languages_and_usage(deepl) -> None:  # type: ignore[no-untyped-def]
    assert {row.code for row in deepl.get_source_languages()} >= {"EN", "DE", "FR"}
    assert {row.code for row in deepl.get_target_languages()} >= {"DE", "FR"}
    assert deepl.get_usage().character.limit > 0


def test_deepl_documents(deepl, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source, target = tmp_path / "a.srt", tmp_path / "b.srt"
    source.write_text("1\n00:00:01,000 --> 00:00:02,000\nGood morning.\n")
    status = deepl.translate_document_from_filepath(source, target, source_lang="EN", target_lang="DE")
    assert status.done and "00:00:01,000 --> 00:00:02,000" in target.read_text()
    handle = deepl.translate_document_upload(io.BytesIO(b"\xff"), filename="x.txt", source_lang="EN", target_lang="DE")
    for _ in range(100):
        state = deepl.translate_document_get_status(handle)
        if not state.ok or state.done:
            break
        time.sleep(0.05)
    assert not state.ok and "byte 0" in state.error_message


def test_deepl_glossaries(deepl) -> None:  # type: ignore[no-untyped-def]
    made = deepl.create_glossary("terms", "EN", "DE", {"bicycle": "Drahtesel"})
    assert made.entry_count == 1 and deepl.get_glossary_entries(made) == {"bicycle": "Drahtesel"}
    assert [one.glossary_id for one in deepl.list_glossaries()] == [made.glossary_id]
    found = deepl.translate_text("A man rides a bicycle.", source_lang="EN", target_lang="DE", glossary=made)
    assert "Drahtesel" in found.text
    deepl.delete_glossary(made)
    assert deepl.list_glossaries() == []


def test_deepl_multilingual_glossaries(deepl) -> None:  # type: ignore[no-untyped-def]
    from deepl.api_data import MultilingualGlossaryDictionaryEntries

    entries = MultilingualGlossaryDictionaryEntries("EN", "DE", {"dog": "Wauwau"})
    made = deepl.create_multilingual_glossary("terms", [entries])
    found = deepl.get_multilingual_glossary_entries(made, "EN", "DE")
    assert "Wauwau" in str(found.dictionaries[0].entries)
    assert "Wauwau" in deepl.translate_text("The dog runs.", source_lang="EN", target_lang="DE", glossary=made).text
    deepl.delete_multilingual_glossary(made)


def test_a_quiet_end_and_a_picked_port() -> None:
    server = Live(LT_CHAR_LIMIT="7", DRAGOMAN_CACHE=os.environ["DRAGOMAN_CACHE"])
    with urllib.request.urlopen(server.url + "/frontend/settings") as answer:
        assert json.load(answer)["charLimit"] == 7
    assert server.stop() == 0
