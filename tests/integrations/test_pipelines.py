"""The one line, and the shapes that other frameworks know."""

from __future__ import annotations

import os
import pickle
import threading

import pytest

import dragoman
from dragoman.integrations import pipeline


def test_the_one_line() -> None:
    one = dragoman.translate("Good morning.", source="en", target="de")
    assert isinstance(one, dragoman.Translation) and one.text
    two = dragoman.translate(["Good morning.", "Yes."], source="English", target="de-AT")
    assert [two[0].text, len(two)] == [one.text, 2]
    over = dragoman.translate("Guten Morgen.", source="de", target="fr")
    assert over.text
    with pytest.raises(dragoman.ModelNotFoundError, match="models pull en-cs"):
        dragoman.translate("Yes.", source="en", target="cs")
    with pytest.raises(dragoman.OptionsError):
        dragoman.translate("Yes.", source="no language at all", target="de")


def test_from_many_threads() -> None:
    expected = dragoman.translate("Where are you?", source="en", target="fr").text
    found: list[str] = []

    def ask() -> None:
        found.append(dragoman.translate("Where are you?", source="en", target="fr").text)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking with threads: just what is tested
def test_in_a_forked_child() -> None:
    expected = dragoman.translate("Yes.", source="en", target="de").text
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, dragoman.translate("Yes.", source="en", target="de").text.encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read().decode() == expected
    os.waitpid(child, 0)


def test_pipelines() -> None:
    one = pipeline("translation_en_to_de")
    assert one("Yes.") == [{"translation_text": dragoman.translate("Yes.", source="en", target="de").text}]
    assert len(one(["Yes.", "No."])) == 2 and pickle.loads(pickle.dumps(one)) == one
    assert pipeline("translation", source="en", target="de") == one
    batch = one.map_batch({"text": ["Yes.", None], "id": [1, 2]})  # type: ignore[list-item]
    assert batch["id"] == [1, 2] and batch["translation"][1] == ""
    for wrong in ("translation", "summarization", "translation_en_to_", 5):
        with pytest.raises(dragoman.OptionsError):
            pipeline(wrong)  # type: ignore[arg-type]


def test_frames() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["Yes.", None], "id": [1, 2]})
    (found,) = pipeline("translation_en_to_de").map_pandas([frame])
    assert list(found.columns) == ["text", "id", "translation"] and found["translation"].tolist()[1] == ""
