"""Model cards: the ones that come along, and ones that are no cards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dragoman.catalogue.bundled import find_route
from dragoman.cli.main import cli
from dragoman.errors import ModelFormatError
from dragoman.formats.model_card import CARD_NAME, read_card

CARD = """
summary = "Tests."
source = "en"
target = "de"
licence = "CC0"
made = "By hand."
data = [{ name = "one", licence = "CC0", lines = 1 }]
scores = [{ test = "t", metric = "BLEU", value = 1 }]
limits = ["all"]
"""


def test_a_card_is_read(tmp_path: Path) -> None:
    assert read_card(tmp_path) is None
    (tmp_path / CARD_NAME).write_text(CARD)
    card = read_card(tmp_path)
    assert card is not None
    assert (card.source, card.data[0].lines, card.scores[0].value, card.limits) == ("en", 1, 1.0, ("all",))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('summary = "Tests."', ""),
        ('summary = "Tests."', 'summary = ""'),
        ('"CC0"', "3"),
        ("lines = 1", "lines = true"),
        ("lines = 1", "lines = -1"),
        ("value = 1", "value = nan"),
        ("value = 1", "value = 'high'"),
        ('[{ test = "t", metric = "BLEU", value = 1 }]', "[1]"),
        ('limits = ["all"]', "limits = [1]"),
        ('limits = ["all"]', "limits = 1"),
        ("made", "= made"),
        ('limits = ["all"]', "limits = " + "[" * 20_000),
        ('limits = ["all"]', "# " + "x" * 70_000),
    ],
)
def test_what_is_no_card(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / CARD_NAME).write_text(CARD.replace(old, new, 1))
    with pytest.raises(ModelFormatError, match=CARD_NAME):
        read_card(tmp_path)


def test_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / CARD_NAME).write_bytes(b"summary = '\xff'")
    with pytest.raises(ModelFormatError, match=CARD_NAME):
        read_card(tmp_path)


@pytest.mark.parametrize("pair", [("en", "de"), ("de", "en"), ("en", "fr"), ("fr", "en")])
def test_the_models_that_come_along_have_cards(pair: tuple[str, str]) -> None:
    (folder,) = find_route(*pair)
    card = read_card(folder)
    assert card is not None and (card.source, card.target) == pair
    assert card.data and card.scores and card.limits
    shown = CliRunner().invoke(cli, ["inspect", str(folder)])
    assert shown.exit_code == 0, shown.output
    assert card.licence in shown.output and card.limits[0] in shown.output
    facts = json.loads(CliRunner().invoke(cli, ["inspect", str(folder), "--json"]).output)
    assert facts["card"]["scores"][0]["value"] == card.scores[0].value
