"""A stop flag ends a batch within any of its parts: the encoder of one enormous sentence, its attention, its steps."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from dragoman import Translator, TranslatorClosedError, load

TEXT = "abc de fghi " * 12_000
"""Minutes for the transformers, in one segment."""


@pytest.mark.parametrize("name", ["m0", "m1", "m4", "m5"])
@pytest.mark.parametrize("after_s", [0.1, 0.6])
def test_one_enormous_segment(folders: Path, name: str, after_s: float) -> None:
    translator = Translator(load(folders / name), workspace_limit=64 << 30)
    threading.Timer(after_s, translator.close).start()
    begun = time.monotonic()
    with pytest.raises(TranslatorClosedError):
        while True:
            translator.translate(TEXT, split="none", max_length=16_000, beam_size=3)
    assert time.monotonic() - begun < after_s + 10
