"""What becomes one instruction, and what does not."""

from __future__ import annotations

from collections import Counter

import pytest
from graphs import D, recurrent, transformer
from plan_tools import GRAPHS, compiled, precisions

from dragoman.errors import PlanError
from dragoman.graph import ops
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import GraphBuilder, Phase
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Instruction
from dragoman.planning.lowering.lower import Precisions, compile_graph
from dragoman.planning.plan import Plan
from dragoman.planning.records import MatrixSlot, Precision, TableSlot

INT8, FLOAT32, ROWS = Precision.INT8, Precision.FLOAT32, Precision.INT8_ROWS


def names(instructions: tuple[Instruction, ...]) -> list[str]:
    return [type(instruction).__name__ for instruction in instructions]


def matrices(plan: Plan) -> list[tuple[str, ...]]:
    return [slot.parameters for slot in plan.slots if isinstance(slot, MatrixSlot)]


def test_a_post_norm_encoder_layer_in_int8_is_seven_kernels() -> None:
    plan = compiled("ssru", INT8)
    assert names(plan.encode[2:9]) == [
        "GemmInt8", "SelfAttention", "GemmInt8", "Norm", "GemmInt8", "GemmInt8", "Norm",
    ]  # fmt: skip
    hidden = plan.encode[6]
    assert isinstance(hidden, ins.GemmInt8)
    assert hidden.function is ops.Function.RELU
    assert hidden.output is None and hidden.quantised is not None, "only integers are read"
    norm = plan.encode[5]
    assert isinstance(norm, ins.Norm)
    assert norm.residual is not None and norm.output is not None and norm.quantised is not None


def test_an_ssru_layer_updates_its_state_in_place() -> None:
    plan = compiled("ssru", INT8)
    assert names(plan.step[2:6]) == ["GemmInt8", "ReorderState", "Mix", "Activate"]
    mix, reorder = plan.step[4], plan.step[3]
    assert isinstance(mix, ins.Mix) and isinstance(reorder, ins.ReorderState)
    assert mix.output == reorder.x, "the new state is written where the old one was"
    slot = plan.slots[plan.step[2].matrix]  # type: ignore[attr-defined]
    assert slot.parameters == ("d0_rnn_W", "d0_rnnf_W") and slot.bias == ("", "d0_rnnf_b")
    assert not any(isinstance(instruction, ins.Copy) for instruction in plan.instructions())


def test_products_of_one_input_are_joined() -> None:
    found = matrices(compiled("self-attention", FLOAT32))
    assert ("d0_self_q_W", "d0_self_k_W", "d0_self_v_W") in found
    assert ("d0_context_k_W",) in found and ("d0_context_v_W",) in found, "keys and values live differently"


def test_products_with_different_alphas_are_not_joined() -> None:
    graph = GRAPHS["ssru"]
    plan = compile_graph(graph, Precisions(INT8))
    assert ("e0_self_q_W",) in matrices(plan)
    kinds = Counter(names(plan.encode))
    assert kinds["Quantize"] == 3 + 2, "q, k, v of the embedding; k and v of the norm, whose q it does itself"


def test_a_product_that_stays_float_reads_floats() -> None:
    floats = frozenset({"e0_ffn_1_W", "Wemb"})
    plan = compile_graph(GRAPHS["ssru"], Precisions(INT8, floats))
    kinds = Counter(names(plan.instructions()))
    assert kinds["GemmFloat"] == 1 and kinds["LogitsFloat"] == 1 and kinds["LogitsInt8"] == 0
    assert [slot.precision for slot in plan.slots if isinstance(slot, TableSlot)] == [FLOAT32]


def test_rows_are_quantised_once_a_value() -> None:
    plan = compiled("ssru", ROWS)
    kinds = Counter(names(plan.prime))
    assert kinds["QuantizeRows"] == 1 and kinds["GemmInt8"] == 4
    assert not any(getattr(instruction, "quantised", None) for instruction in plan.instructions())


def test_a_pre_norm_model_keeps_its_sum_in_one_value() -> None:
    plan = compiled("pre-norm", INT8)
    sums = [each.sum for each in plan.encode if isinstance(each, ins.Norm) and each.sum]
    assert len(sums) == 3 and len({operand.value for operand in sums}) == 1


def test_a_tied_table_embeds_and_gives_logits() -> None:
    plan = compiled("ssru", INT8)
    tables = [slot for slot in plan.slots if isinstance(slot, TableSlot)]
    assert tables == [TableSlot("Wemb", D, False, "out_b", True, True, INT8)]
    tables = [slot for slot in compiled("gru", FLOAT32).slots if isinstance(slot, TableSlot)]
    assert [(slot.parameter, slot.embeds, slot.logits) for slot in tables] == [
        ("encoder_Wemb", True, False), ("decoder_Wemb", True, False), ("out_Wt", False, True),
    ]  # fmt: skip


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_scan_works_in_place_and_both_directions_share_a_value(cell: str) -> None:
    plan = compile_graph(recurrent(cell), Precisions(FLOAT32))
    writes = [instruction for instruction in plan.encode if isinstance(instruction, ins.ScanWrite)]
    assert [(write.output.column, write.output.columns) for write in writes] == [(0, D), (D, D)]
    assert len({write.output.value for write in writes}) == 1
    assert plan.values[writes[0].output.value].rows is Symbol.TOKENS, "steps attend to it"
    assert "Copy" not in names(plan.encode) and "Copy" not in names(plan.step)
    zeros = [instruction.output.value for instruction in plan.encode if isinstance(instruction, ins.Zero)]
    assert len(zeros) == (2 if cell == "gru" else 4)
    assert {instruction.x.value for instruction in writes} <= set(zeros), "the new state is the state"


def test_a_state_with_two_readers_of_the_old_value_is_reordered_once() -> None:
    plan = compile_graph(transformer(decoder="average"), Precisions(FLOAT32))
    assert Counter(names(plan.step))["ReorderState"] == 1


def test_a_state_that_is_never_started_is_refused() -> None:
    g = GraphBuilder("unstarted")
    table = g.parameter("Wemb", Symbol.CANDIDATES, D)
    with g.phase(Phase.STEP):
        logits = g.add(ops.Logits(), g.add(ops.State("h", D)), table)
    with pytest.raises(PlanError, match="'h' is never started"):
        compile_graph(g.build(logits), Precisions(FLOAT32))


def test_a_bias_that_does_not_fit_its_matrix_is_refused() -> None:
    g = GraphBuilder("bias")
    table = g.parameter("Wemb", Symbol.CANDIDATES, D)
    with g.phase(Phase.STEP):
        x = g.add(ops.TargetEmbedding(1.0, False), table)
        y = g.add(ops.Product(), x, g.parameter("W", D, D), g.parameter(("a", "b"), 1, (D // 2, D // 2)))
        logits = g.add(ops.Logits(), y, table)
    with pytest.raises(PlanError, match="does not match"):
        compile_graph(g.build(logits), Precisions(FLOAT32))


@pytest.mark.parametrize("name", GRAPHS)
def test_plans_do_not_depend_on_what_alphas_are_called(name: str) -> None:
    graph = GRAPHS[name]
    chosen = precisions(graph, INT8)
    assert chosen.alphas is not None
    renamed = {weight: f"alpha {group}" for weight, group in chosen.alphas.items()}
    assert compile_graph(graph, chosen) == compile_graph(graph, Precisions(INT8, alphas=renamed))
