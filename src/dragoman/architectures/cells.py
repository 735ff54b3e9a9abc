"""Recurrent cells (``src/rnn/cells.h``): parameter names and recurrence, for source scans and decoder steps.

A cell works in two parts, as in Marian: `Cell.project` does all that needs only the input, for any number of
rows at once; `Cell.step` does the rest at one position. A cell without an input ("transition") has nothing to
project.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from dragoman.architectures.layers import affine, columns, norm
from dragoman.architectures.rnn_config import CellConfig, CellKind
from dragoman.graph import ops
from dragoman.graph.graph import GraphBuilder, Node, Phase

__all__ = ["Cell", "CellState", "keep_states", "make_cell", "read_states", "start_states"]

_EPSILON = 1e-9
_NEMATUS_EPSILON = 1e-5


@dataclass(frozen=True)
class CellState:
    """``hidden`` is what others see; ``memory`` only the cell itself. A part that a kind of cell does not
    carry from position to position is None on the way in. [m, R]"""

    hidden: Node | None
    memory: Node | None


@dataclass(frozen=True)
class Cell(ABC):
    """One cell of state width ``width``.

    Attributes:
        builder: where nodes go.
        prefix: of the parameter names.
        width: R.
        normalize: norm the products.
        final: a decoder base cell after the attention.
    """

    builder: GraphBuilder
    prefix: str
    width: int
    normalize: bool
    final: bool = False
    carries_hidden: ClassVar[bool] = True
    carries_memory: ClassVar[bool] = False

    @abstractmethod
    def project(self, x: Node) -> tuple[Node, ...]:
        """Everything of the input alone. x [m, k] -> values of m rows, to be given to `step` row by row."""

    @abstractmethod
    def step(self, inputs: tuple[Node, ...], state: CellState) -> CellState:
        """One position. ``inputs``: what `project` made, or () for a transition."""

    def _joined(self, first: str, second: str, rows: int) -> Node:
        """The two parameters of a GRU, [rows, 2R] and [rows, R], side by side."""
        names = (f"{self.prefix}_{first}", f"{self.prefix}_{second}")
        return self.builder.parameter(names, rows, (2 * self.width, self.width))

    def _normed(self, x: Node, gain: str, bias: str | None = None) -> Node:
        if not self.normalize:
            return x
        return norm(self.builder, x, f"{self.prefix}_{gain}", bias, _EPSILON)

    def _hidden(self, state: CellState) -> Node:
        if state.hidden is None:
            raise ops.GraphError(f"{self.prefix}: the cell needs its last output")
        return state.hidden

    def _memory(self, state: CellState) -> Node:
        if state.memory is None:
            raise ops.GraphError(f"{self.prefix}: the cell needs its memory")
        return state.memory


class Gru(Cell):
    """Thirds reset, update, candidate; the norm runs over all of the 3R columns."""

    def project(self, x: Node) -> tuple[Node, ...]:
        xw = self.builder.add(ops.Product(), x, self._joined("W", "Wx", columns(x)))
        return (self._normed(xw, "gamma1"),)

    def step(self, inputs: tuple[Node, ...], state: CellState) -> CellState:
        h = self._hidden(state)
        hu = self._normed(self.builder.add(ops.Product(), h, self._joined("U", "Ux", self.width)), "gamma2")
        bias = self._joined("b", "bx", 1)
        return CellState(
            self.builder.add(ops.Gru(self.final), inputs[0] if inputs else None, hu, h, bias), state.memory
        )


class GruNematus(Gru):
    """Without norms a GRU. With them, [W] and [Wx], [U] and [Ux] are normed apart, and where the bias goes
    differs: before the norm of the input's product; of the state's product in final and decoder transition
    cells; after all norms in encoder transitions (where Marian adds b to the state's part: the same, as the
    input's part is zero)."""

    def project(self, x: Node) -> tuple[Node, ...]:
        if not self.normalize:
            return super().project(x)
        return (self._halves(x, "W", biased=not self.final),)

    def step(self, inputs: tuple[Node, ...], state: CellState) -> CellState:
        if not self.normalize:
            return super().step(inputs, state)
        h = self._hidden(state)
        encoder_transition = not inputs and self.prefix.startswith("encoder")
        hu = self._halves(h, "U", biased=not encoder_transition and (self.final or not inputs))
        bias = self._joined("b", "bx", 1) if encoder_transition else None
        return CellState(
            self.builder.add(ops.Gru(self.final), inputs[0] if inputs else None, hu, h, bias), state.memory
        )

    def _halves(self, x: Node, letter: str, *, biased: bool) -> Node:
        """[norm(x W + b) | norm(x Wx + bx)], the biases only if ``biased``."""
        halves: list[Node] = []
        for weight, bias, width in ((letter, "b", 2 * self.width), (f"{letter}x", "bx", self.width)):
            name = f"{self.prefix}_{weight}"
            product = affine(self.builder, x, name, f"{self.prefix}_{bias}" if biased else None, width)
            halves.append(norm(self.builder, product, f"{name}_lns", f"{name}_lnb", _NEMATUS_EPSILON))
        return self.builder.add(ops.Concatenate(), *halves)


class Lstm(Cell):
    """Quarters forget, input, candidate, output."""

    carries_memory = True

    def project(self, x: Node) -> tuple[Node, ...]:
        return (self._normed(affine(self.builder, x, f"{self.prefix}_W", None, 4 * self.width), "gamma1"),)

    def step(self, inputs: tuple[Node, ...], state: CellState) -> CellState:
        hu = affine(self.builder, self._hidden(state), f"{self.prefix}_U", None, 4 * self.width)
        hu = self._normed(hu, "gamma2")
        bias = self.builder.parameter(f"{self.prefix}_b", 1, 4 * self.width)
        both = self.builder.add(ops.Lstm(), inputs[0] if inputs else None, hu, self._memory(state), bias)
        memory = self.builder.add(ops.Columns(0, self.width), both)
        return CellState(self.builder.add(ops.Columns(self.width, self.width), both), memory)


class _Multiplicative(Cell):
    """m = (x Wm + bwm) * (h Um + bm), each factor normed, replaces h in all of the cell it wraps."""

    def project(self, x: Node) -> tuple[Node, ...]:
        factor = affine(self.builder, x, f"{self.prefix}_Wm", f"{self.prefix}_bwm", self.width)
        return (*super().project(x), self._normed(factor, "gamma1m"))  # type: ignore[safe-super]

    def step(self, inputs: tuple[Node, ...], state: CellState) -> CellState:
        factor = affine(
            self.builder, self._hidden(state), f"{self.prefix}_Um", f"{self.prefix}_bm", self.width
        )
        product = self.builder.add(ops.Multiply(), inputs[-1], self._normed(factor, "gamma2m"))
        return super().step(inputs[:-1], CellState(product, state.memory))  # type: ignore[safe-super]


class Mlstm(_Multiplicative, Lstm):
    """Multiplicative LSTM."""


class Mgru(_Multiplicative, Gru):
    """Multiplicative GRU."""


class _Simple(Cell):
    """function(x W + h U + b)."""

    function: ClassVar[ops.Function]

    def project(self, x: Node) -> tuple[Node, ...]:
        return (self._normed(affine(self.builder, x, f"{self.prefix}_W", None, self.width), "gamma1"),)

    def step(self, inputs: tuple[Node, ...], state: CellState) -> CellState:
        # With a norm the bias is the norm's; without, the product's: x W + (h U + b) in both cases.
        bias = f"{self.prefix}_b"
        y = affine(
            self.builder,
            self._hidden(state),
            f"{self.prefix}_U",
            None if self.normalize else bias,
            self.width,
        )
        y = self._normed(y, "gamma2", bias)
        if inputs:
            y = self.builder.add(ops.Add(), inputs[0], y)
        return CellState(self.builder.add(ops.Activate(self.function), y), state.memory)


class Tanh(_Simple):
    function = ops.Function.TANH


class Relu(_Simple):
    function = ops.Function.RELU


class Ssru(Cell):
    """c' = f c + (1 - f) u, h = relu(c'), with u = x W, f = sigmoid(x Wf + bf). Needs an input of width R."""

    carries_hidden = False
    carries_memory = True

    def project(self, x: Node) -> tuple[Node, ...]:
        return self._gate(x, ""), self._gate(x, "f")

    def step(self, inputs: tuple[Node, ...], state: CellState) -> CellState:
        memory = self.builder.add(ops.Mix(), inputs[1], self._memory(state), inputs[0])
        return CellState(self.builder.add(ops.Activate(ops.Function.RELU), memory), memory)

    def _gate(self, x: Node, letter: str) -> Node:
        """norm(x W; gamma, b) or x W + b; the input's own product (letter "") has no bias."""
        bias = f"{self.prefix}_b{letter}" if letter else None
        if not self.normalize:
            return affine(self.builder, x, f"{self.prefix}_W{letter}", bias, self.width)
        product = affine(self.builder, x, f"{self.prefix}_W{letter}", None, self.width)
        return self._normed(product, f"gamma{letter}", bias)


class Sru(Ssru):
    """The memory of an SSRU; h = r tanh(c') + (1 - r) x, with r = sigmoid(x Wr + br)."""

    def project(self, x: Node) -> tuple[Node, ...]:
        return (*super().project(x), self._gate(x, "r"), x)

    def step(self, inputs: tuple[Node, ...], state: CellState) -> CellState:
        memory = self.builder.add(ops.Mix(), inputs[1], self._memory(state), inputs[0])
        squashed = self.builder.add(ops.Activate(ops.Function.TANH), memory)
        return CellState(self.builder.add(ops.Mix(), inputs[2], squashed, inputs[3]), memory)


_CELLS: dict[CellKind, type[Cell]] = {
    "gru": Gru,
    "gru-nematus": GruNematus,
    "lstm": Lstm,
    "mlstm": Mlstm,
    "mgru": Mgru,
    "tanh": Tanh,
    "relu": Relu,
    "sru": Sru,
    "ssru": Ssru,
}


def make_cell(
    builder: GraphBuilder, config: CellConfig, prefix: str, width: int, *, final: bool = False
) -> Cell:
    """A cell of the configured kind with parameters ``prefix_..``."""
    return _CELLS[config.kind](builder, prefix, width, config.normalize, final)


def start_states(builder: GraphBuilder, cell: Cell, name: str, start: Node | None) -> None:
    """First values of a decoder cell's states: both are ``start`` [SENTENCES, R], or zeros for None."""
    with builder.phase(Phase.PRIME):
        for state in _state_names(cell, name):
            builder.add(ops.StateStart(state, cell.width), start)


def read_states(builder: GraphBuilder, cell: Cell, name: str, *, scan: bool = False) -> CellState:
    """The states as the step or position before left them."""
    hidden, memory = f"{name}_hidden", f"{name}_cell"
    return CellState(
        builder.add(ops.State(hidden, cell.width, scan)) if cell.carries_hidden else None,
        builder.add(ops.State(memory, cell.width, scan)) if cell.carries_memory else None,
    )


def keep_states(builder: GraphBuilder, cell: Cell, name: str, state: CellState) -> Node:
    """Hand the states on to the next step or position. Returns the output."""
    if state.hidden is None:
        raise ops.GraphError(f"{name}: a step made no output")
    if cell.carries_hidden:
        builder.add(ops.StateUpdate(f"{name}_hidden"), state.hidden)
    if cell.carries_memory:
        builder.add(ops.StateUpdate(f"{name}_cell"), state.memory)
    return state.hidden


def _state_names(cell: Cell, name: str) -> list[str]:
    carried = ((cell.carries_hidden, f"{name}_hidden"), (cell.carries_memory, f"{name}_cell"))
    return [state for carries, state in carried if carries]
