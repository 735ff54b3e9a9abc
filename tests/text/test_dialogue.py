"""What follows from a model's answer: second tries for runaways and for stand-ins that were lost."""

from __future__ import annotations

import numpy as np
import pytest
from text_models import answer

from dragoman.errors import TextTooLongError
from dragoman.options import DecodingOptions
from dragoman.result import FailedLine, SoftAlignment
from dragoman.text.codes import Span
from dragoman.text.dialogue import STAND_INS, Ask, AskKind, Dialogue, PlannedLine

OPTIONS = DecodingOptions(alignment="soft")
RUNAWAY = "Hund " * 20


def test_most_lines_are_one_question() -> None:
    dialogue = Dialogue(PlannedLine("A dog."), "Ein")
    assert dialogue.ask == Ask("A dog.", "Ein")
    said = answer("A dog.", ["Ein Hund."], OPTIONS)
    dialogue.answer(said)
    assert (dialogue.ask, dialogue.result) == (None, said)


def test_a_runaway_is_tried_again_and_told() -> None:
    dialogue = Dialogue(PlannedLine("A dog."))
    dialogue.answer(answer("A dog.", [RUNAWAY], OPTIONS))
    assert dialogue.ask == Ask("A dog.", kind=AskKind(effort=1))
    assert dialogue.ask.kind.options(DecodingOptions(beam_size=1)).beam_size == 4
    dialogue.answer(answer("A dog.", ["Ein Hund."], OPTIONS))
    assert dialogue.ask is None and not isinstance(dialogue.result, FailedLine)
    assert dialogue.result is not None and dialogue.result.text == "Ein Hund."
    assert dialogue.result.warnings == ("Translated a second time, as the model repeated itself: A dog.",)


def test_a_runaway_that_stays_one() -> None:
    dialogue = Dialogue(PlannedLine("A dog."))
    dialogue.answer(answer("A dog.", [RUNAWAY], OPTIONS))
    dialogue.answer(answer("A dog.", [RUNAWAY + "Hund"], OPTIONS))
    assert dialogue.ask == Ask("A dog.", kind=AskKind(effort=2))
    assert dialogue.ask.kind.options(DecodingOptions()).max_length == 24
    dialogue.answer(FailedLine("A dog.", TextTooLongError(30, 24)))
    assert dialogue.ask is None and not isinstance(dialogue.result, FailedLine)
    assert dialogue.result is not None and dialogue.result.text == RUNAWAY
    assert "also the second time" in dialogue.result.warnings[0]


def test_a_failure_ends_a_dialogue() -> None:
    failed = FailedLine("A dog.", TextTooLongError(30, 24))
    dialogue = Dialogue(PlannedLine("A dog.", stand_ins=(Span(2, 5),)))
    dialogue.answer(failed)
    assert (dialogue.ask, dialogue.result) == (None, failed)


def test_a_stand_in_that_is_kept() -> None:
    text = f"See {STAND_INS[0]} now."
    dialogue = Dialogue(PlannedLine(text, True, (Span(4, 8),)))
    said = answer(text, [f"Sieh {STAND_INS[0]} jetzt."], OPTIONS)
    dialogue.answer(said)
    assert dialogue.result is said


def test_a_stand_in_that_is_lost_gives_way_to_others() -> None:
    text = f"See {STAND_INS[0]} now."
    dialogue = Dialogue(PlannedLine(text, True, (Span(4, 8),)))
    dialogue.answer(answer(text, [f"Sieh jetzt {STAND_INS[0]} {STAND_INS[0]}."], OPTIONS))
    other = f"See {STAND_INS[1]} now."
    assert dialogue.ask == Ask(other, kind=AskKind(linked=True))
    said = answer(other, [f"Sieh {STAND_INS[1]} jetzt."], OPTIONS)
    dialogue.answer(said)
    result = dialogue.result
    assert result is not None and not isinstance(result, FailedLine)
    assert (result.source, result.text) == (text, said.text)
    assert result.source_spans == (Span(0, 3), Span(4, 8), Span(9, 12), Span(12, 13), Span(13, 13))


def test_at_last_there_is_no_stand_in() -> None:
    text = f"See {STAND_INS[0]} now."
    dialogue = Dialogue(PlannedLine(text, True, (Span(4, 8),)))
    dialogue.answer(answer(text, [f"{STAND_INS[0]} {STAND_INS[0]} {STAND_INS[0]}"], OPTIONS))
    dialogue.answer(answer(f"See {STAND_INS[1]} now.", ["London London London London"], OPTIONS))
    assert dialogue.ask == Ask("See  now.", kind=AskKind(linked=True))
    dialogue.answer(answer("See  now.", ["Sieh jetzt."], OPTIONS))
    result = dialogue.result
    assert result is not None and not isinstance(result, FailedLine)
    assert result.text == "Sieh jetzt." and result.source == text
    assert isinstance(result.alignment, SoftAlignment)
    assert np.isclose(result.alignment.array().sum(axis=1), 1).all()


def test_a_defect_fails_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman.text.dialogue.find_runaway", lambda *_: 1 // 0)
    dialogue = Dialogue(PlannedLine("A dog."))
    dialogue.answer(answer("A dog.", [RUNAWAY], OPTIONS))
    assert isinstance(dialogue.result, FailedLine) and "ZeroDivisionError" in str(dialogue.result.error)


def test_numbers_that_differ_are_tried_again_then_mended() -> None:
    dialogue = Dialogue(PlannedLine("It costs 1,250 euros on 25 May."))
    dialogue.answer(answer("It costs 1,250 euros on 25 May.", ["Es kostet 1.350 Euro am 25. Mai."], OPTIONS))
    assert dialogue.ask is not None and dialogue.ask.kind == AskKind(effort=1)
    dialogue.answer(answer("It costs 1,250 euros on 25 May.", ["Es kostet 12 Euro am 25. Mai."], OPTIONS))
    result = dialogue.result
    assert result is not None and not isinstance(result, FailedLine)
    assert result.text == "Es kostet 1,250 Euro am 25. Mai."
    best = result.n_best[0]
    assert best.spans is not None and best.text[slice(*best.spans[-3])] == "Mai"


def test_numbers_with_other_separators_or_as_words_pass() -> None:
    for said in ("Es kostet 1.250 Euro f\u00fcr zwei.", "Es kostet 1250 Euro f\u00fcr 2."):
        dialogue = Dialogue(PlannedLine("It costs 1,250 euros for 2."))
        dialogue.answer(answer("It costs 1,250 euros for 2.", [said], OPTIONS))
        assert dialogue.ask is None


def test_numbers_that_cannot_be_mended_are_told() -> None:
    dialogue = Dialogue(PlannedLine("Page 345 of 678."))
    dialogue.answer(answer("Page 345 of 678.", ["Seite 345."], OPTIONS))
    dialogue.answer(answer("Page 345 of 678.", ["Seite 999."], OPTIONS))
    result = dialogue.result
    assert result is not None and not isinstance(result, FailedLine)
    assert (result.text, result.warnings) == ("Seite 345.", ("Check the numbers: Page 345 of 678.",))
