"""Random models of every family, compiled, for the tests of the reference back end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from random_models import FAMILIES, make_model

from dragoman.architectures.build import build_graph
from dragoman.architectures.config import read_config
from dragoman.backends.batch import Batch, RawHypothesis, SearchOptions
from dragoman.backends.reference import Workspace, run_plans
from dragoman.calibration import collect_alphas
from dragoman.formats.parameters import Parameter, ParameterFile, freeze
from dragoman.graph.graph import Graph
from dragoman.planning.lowering.lower import Precisions, compile_graph
from dragoman.planning.plan import Plan
from dragoman.planning.records import Precision
from dragoman.weights.bind import bind

VOCABULARY = 37
SOURCES = ([12, 25, 6, 7, 33, 2, 19, 20, 0], [36, 2, 2, 17, 8, 30, 11, 0], [5, 9, 3, 0], [4, 0])
LIMITS = (7, 5, 8, 6)
BEAM = SearchOptions(beam_size=3, n_best=3, normalize=0.6, word_scores=True, alignment=True, group_tokens=12)


def parameter_file(
    options: Mapping[str, object],
    arrays: Mapping[str, NDArray[Any]],
    alphas: Mapping[str, float] | None = None,
) -> ParameterFile:
    parameters = {name: Parameter(name, array.shape, array) for name, array in arrays.items()}
    return freeze(Path("made-up.npz"), parameters, options, alphas or {})


@cache
def compiled(name: str, precision: Precision = Precision.FLOAT32) -> tuple[Graph, Plan, ParameterFile]:
    """A family's graph, plan and random weights; for INT8 with alphas calibrated on the test's own
    sentences."""
    options, arrays = make_model(FAMILIES[name], VOCABULARY)
    shapes = {parameter: array.shape for parameter, array in arrays.items()}
    graph = build_graph(read_config(options, shapes, compat="trained"))
    file = parameter_file(options, arrays)
    alphas: dict[str, float] = {}
    if precision is Precision.INT8:
        plan = compile_graph(graph, Precisions(Precision.FLOAT32))
        # Without EOS: some models begin with it and would measure nothing.
        endless = [np.arange(2, VOCABULARY, dtype=np.int32)] * len(SOURCES)
        alphas = collect_alphas(plan, bind(plan, file), SOURCES, options=BEAM, candidates=endless)
        file = parameter_file(options, arrays, alphas)
    groups = {name: str(alpha) for name, alpha in alphas.items()}
    return graph, compile_graph(graph, Precisions(precision, alphas=groups)), file


def run(
    plan: Plan, file: ParameterFile, batch: Batch, options: SearchOptions = BEAM
) -> list[list[RawHypothesis]]:
    return run_plans([(plan, bind(plan, file))], Workspace(), batch, options)
