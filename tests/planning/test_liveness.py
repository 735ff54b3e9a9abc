"""Lifetimes through loops: encoder groups, source positions, steps."""

from __future__ import annotations

from dragoman.graph.extents import Symbol
from dragoman.graph.ops import Function
from dragoman.planning import instructions as ins
from dragoman.planning.fields import Instruction, Operand
from dragoman.planning.layout.liveness import lifetimes
from dragoman.planning.lowering.draft import Draft
from dragoman.planning.records import PlanPhase

S, R = Symbol.GROUP_SENTENCES, Symbol.ROWS


def value(number: int) -> Operand:
    return Operand(number, 0, 16)


def act(x: int, output: int, rows: Symbol = S) -> Instruction:
    return ins.Activate(rows, value(x), Function.RELU, value(output))


def living(phases: dict[PlanPhase, list[Instruction]], *results: int) -> dict[int, tuple[int, int]]:
    draft = Draft()
    draft.phases.update(phases)
    return lifetimes(draft.instructions(), draft.loops(), set(results))


def zero(number: int) -> Instruction:
    return ins.Zero(S, value(number))


def test_a_temporary_lives_from_its_writer_to_its_last_reader() -> None:
    found = living({PlanPhase.ENCODE: [zero(0), act(0, 1), act(0, 2), act(1, 3)]})
    assert found == {0: (0, 2), 1: (1, 3), 2: (2, 2), 3: (3, 3)}


def test_what_prime_reads_of_its_group_does_not_outlive_it() -> None:
    found = living(
        {PlanPhase.ENCODE: [zero(0), act(0, 1)], PlanPhase.PRIME: [act(1, 2)], PlanPhase.STEP: [act(9, 3)]}
    )
    assert found[1] == (1, 2)


def test_what_a_step_reads_lives_from_the_first_group_to_the_last_step() -> None:
    """Groups add their parts one after another: the value must be there before its first instruction."""
    found = living(
        {
            PlanPhase.ENCODE: [zero(0)],
            PlanPhase.PRIME: [act(0, 1)],
            PlanPhase.STEP: [act(1, 2, R), act(2, 3, R)],
        }
    )
    assert found[1] == (0, 3) and found[0] == (0, 1) and found[2] == (2, 3)


def test_selected_columns_live_from_selection_to_the_last_step() -> None:
    """Groups join between steps: nothing of theirs may lie there."""
    select = ins.SelectCandidates(Symbol.UNION, 0, value(1), None, value(2), None)
    logits = ins.LogitsFloat(R, value(0), 0, value(1), value(2), value(3))
    embed = ins.Embed(R, 0, False, 1.0, False, value(0))
    found = living(
        {
            PlanPhase.SELECT: [select],
            PlanPhase.ENCODE: [zero(7)],
            PlanPhase.STEP: [embed, logits, act(7, 8, R)],
        },
        3,
    )
    assert found[1] == found[2] == (0, 4)
    assert found[3] == (3, 4), "the search reads the logits after the step"


def test_a_cache_lives_through_all_groups_and_steps() -> None:
    """It begins empty, but groups join while others have their cells."""
    attend = ins.CachedAttention(R, value(0), value(0), value(0), 1, value(1), value(2), None, None, value(3))
    embed = ins.Embed(R, 0, False, 1.0, False, value(0))
    found = living({PlanPhase.ENCODE: [zero(7)], PlanPhase.STEP: [embed, attend, act(2, 4, R)]})
    assert found[1] == (0, 3) and found[3] == (2, 2)


def test_a_scan_keeps_its_state_and_what_it_reads_from_outside() -> None:
    body = [
        ins.ScanRead(S, value(1), value(2)),
        act(0, 3),
        ins.Add(S, value(2), value(3), value(0)),
        ins.ScanWrite(S, value(0), value(4)),
    ]
    found = living(
        {
            PlanPhase.ENCODE: [
                ins.Embed(Symbol.GROUP_TOKENS, 0, True, 1.0, False, value(1)),
                zero(0),
                ins.ScanBegin(S, False),
                *body,
                ins.ScanEnd(S),
                act(4, 5),
            ]
        }
    )
    assert found[0] == (1, 7), "the state, from its zero to the end of the loop"
    assert found[1] == (0, 7), "every position reads it"
    assert found[2] == (3, 5) and found[3] == (4, 5), "temporaries of one position"
    assert found[4] == (2, 8), "every position adds a row"


def test_a_value_carried_from_round_to_round_lives_through_the_loop() -> None:
    found = living({PlanPhase.STEP: [act(0, 1, R), act(1, 0, R), act(1, 2, R)]})
    assert found[0] == (0, 2) and found[1] == (0, 2)
