"""Every family against Marian itself: the same tokens, and the same log-probability of each.

``marian_scores.json`` is what pymarian 1.12.42 said: see marian.py.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from architectures.evaluator import Evaluator
from architectures.marian import RECORD, SEED, SENTENCES, VOCABULARY, fingerprint
from random_models import FAMILIES, make_model

from dragoman.architectures.build import build_graph
from dragoman.architectures.config import read_config

RECORDED = json.loads(RECORD.read_text())


@pytest.mark.parametrize("name", FAMILIES)
def test_same_tokens_and_scores(name: str) -> None:
    options, arrays = make_model(FAMILIES[name], VOCABULARY, SEED)
    if fingerprint(arrays) != RECORDED[name]["weights"]:
        pytest.skip(
            "this NumPy draws other random weights than the one that Marian's scores were recorded with"
        )
    config = read_config(options, {key: array.shape for key, array in arrays.items()}, compat="trained")
    graph = build_graph(config)
    for sentence, (tokens, scores) in zip(SENTENCES, RECORDED[name]["translations"], strict=True):
        source = sentence[::-1] if config.right_to_left else sentence
        evaluator = Evaluator(graph, arrays, [*source, 0], np.float64)
        for position, (token, score) in enumerate(zip(tokens, scores, strict=True)):
            found = evaluator.log_probabilities([tokens[position - 1]] if position else None)[0]
            assert found[token] == pytest.approx(score, abs=5e-5)
            found[1] = -np.inf  # Marian never writes <unk>
            assert found.max() - found[token] < 1e-4


def test_the_record_is_complete() -> None:
    assert set(RECORDED) == set(FAMILIES)
    assert sum(len(tokens) for entry in RECORDED.values() for tokens, _ in entry["translations"]) > 500
