"""Small graphs of the usual shapes, built by hand: what the planner's tests compile."""

from __future__ import annotations

from dragoman.graph import ops
from dragoman.graph.extents import Symbol
from dragoman.graph.graph import Graph, GraphBuilder, Node, Phase
from dragoman.graph.ops import Function, NormKind

D, F, HEADS = 64, 128, 4


def product(g: GraphBuilder, x: Node, name: str, rows: int, columns: int, bias: bool = True) -> Node:
    weight = g.parameter(f"{name}_W", rows, columns)
    return g.add(ops.Product(), x, weight, g.parameter(f"{name}_b", 1, columns) if bias else None)


def norm(g: GraphBuilder, x: Node, name: str, columns: int = D) -> Node:
    scale, bias = g.parameter(f"{name}_scale", 1, columns), g.parameter(f"{name}_bias", 1, columns)
    return g.add(ops.Normalize(NormKind.LAYER, 1e-6), x, scale, bias)


def post(g: GraphBuilder, y: Node, x: Node, name: str) -> Node:
    return norm(g, g.add(ops.Add(), y, x), name)


def feed_forward(g: GraphBuilder, x: Node, name: str) -> Node:
    hidden = g.add(ops.Activate(Function.RELU), product(g, x, f"{name}_1", D, F))
    return product(g, hidden, f"{name}_2", F, D)


def queries_keys_values(g: GraphBuilder, q: Node, kv: Node, name: str) -> list[Node]:
    return [product(g, x, f"{name}_{part}", D, D) for part, x in (("q", q), ("k", kv), ("v", kv))]


def transformer(
    layers: int = 2, decoder: str = "ssru", pre_norm: bool = False, decoder_layers: int = 1
) -> Graph:
    """Encoder and decoder; ``decoder``: "ssru", "self-attention" or "average"."""
    g = GraphBuilder(f"{decoder} {'pre' if pre_norm else 'post'}-norm")
    table = g.parameter("Wemb", Symbol.CANDIDATES, D)

    def around(x: Node, name: str, inner: object) -> Node:
        if pre_norm:
            return g.add(ops.Add(), inner(norm(g, x, f"{name}_pre")), x)  # type: ignore[operator]
        return post(g, inner(x), x, f"{name}_post")  # type: ignore[operator]

    def self_attention(x: Node, name: str) -> Node:
        return product(
            g, g.add(ops.SelfAttention(HEADS), *queries_keys_values(g, x, x, name)), f"{name}_o", D, D
        )

    with g.phase(Phase.ENCODE):
        x = g.add(ops.SourceEmbedding(8.0, True), table)
        for layer in range(layers):
            x = around(x, f"e{layer}_self", lambda y, n=layer: self_attention(y, f"e{n}_self"))
            x = around(x, f"e{layer}_ffn", lambda y, n=layer: feed_forward(g, y, f"e{n}_ffn"))
        if pre_norm:
            x = norm(g, x, "e_top")
    keys = []
    with g.phase(Phase.PRIME):
        for layer in range(decoder_layers):
            keys.append(
                (product(g, x, f"d{layer}_context_k", D, D), product(g, x, f"d{layer}_context_v", D, D))
            )
            if decoder != "self-attention":
                g.add(ops.StateStart(f"c{layer}", D), None)

    def autoregressive(x: Node, layer: int) -> Node:
        name = f"d{layer}"
        if decoder == "self-attention":
            parts = queries_keys_values(g, x, x, f"{name}_self")
            return product(
                g, g.add(ops.CachedAttention(HEADS, f"cache{layer}"), *parts), f"{name}_self_o", D, D
            )
        old = g.add(ops.State(f"c{layer}", D))
        if decoder == "average":
            average = g.add(ops.RunningAverage(), old, x)
            g.add(ops.StateUpdate(f"c{layer}"), average)
            y = feed_forward(g, average, f"{name}_aan")
            gates = [product(g, z, f"{name}_gate{n}", D, D) for n, z in enumerate((x, y))]
            gates = [g.add(ops.Activate(Function.SIGMOID), gate) for gate in gates]
            return g.add(ops.Add(), g.add(ops.Multiply(), gates[0], x), g.add(ops.Multiply(), gates[1], y))
        u = product(g, x, f"{name}_rnn", D, D, bias=False)
        f = product(g, x, f"{name}_rnnf", D, D)
        cell = g.add(ops.Mix(), f, old, u)
        g.add(ops.StateUpdate(f"c{layer}"), cell)
        return g.add(ops.Activate(Function.RELU), cell)

    with g.phase(Phase.STEP):
        y = g.add(ops.TargetEmbedding(8.0, True), table)
        for layer, (k, v) in enumerate(keys):
            y = around(y, f"d{layer}_self", lambda z, n=layer: autoregressive(z, n))

            def cross(z: Node, n: int = layer, k: Node = k, v: Node = v) -> Node:
                q = product(g, z, f"d{n}_context_q", D, D)
                attended = g.add(ops.CrossAttention(HEADS, n == decoder_layers - 1), q, k, v)
                return product(g, attended, f"d{n}_context_o", D, D)

            y = around(y, f"d{layer}_context", cross)
            y = around(y, f"d{layer}_ffn", lambda z, n=layer: feed_forward(g, z, f"d{n}_ffn"))
        if pre_norm:
            y = norm(g, y, "d_top")
        logits = g.add(ops.Logits(), y, table, g.parameter("out_b", 1, Symbol.CANDIDATES))
    return g.build(logits)


def recurrent(cell: str = "gru") -> Graph:
    """A bidirectional encoder of GRU or LSTM cells, Bahdanau's attention, two cells in the decoder."""
    g = GraphBuilder(f"recurrent {cell}")
    gates = 3 if cell == "gru" else 4

    def step(x: Node | None, state: str, name: str, scan: bool) -> Node:
        h = g.add(ops.State(f"{state}_h", D, scan))
        u = g.parameter(f"{name}_U", D, gates * D)
        s = g.add(ops.Product(), h, u)
        bias = g.parameter(f"{name}_b", 1, gates * D)
        if cell == "gru":
            new = g.add(ops.Gru(x is None), x, s, h, bias)
        else:
            both = g.add(ops.Lstm(), x, s, g.add(ops.State(f"{state}_c", D, scan)), bias)
            g.add(ops.StateUpdate(f"{state}_c"), g.add(ops.Columns(0, D), both))
            new = g.add(ops.Columns(D, D), both)
        g.add(ops.StateUpdate(f"{state}_h"), new)
        return new

    table = g.parameter("encoder_Wemb", Symbol.CANDIDATES, D)
    with g.phase(Phase.ENCODE):
        x = g.add(ops.SourceEmbedding(1.0, False), table)
        sides = []
        for name, backward in (("bi", False), ("bi_r", True)):
            projected = g.add(ops.Product(), x, g.parameter(f"{name}_W", D, gates * D))
            with g.scan(backward=backward):
                here = g.add(ops.ScanRead(), projected)
                sides.append(g.add(ops.ScanWrite(), step(here, name, name, True)))
        context = g.add(ops.Concatenate(), *sides)
    with g.phase(Phase.PRIME):
        mean = g.add(ops.MeanOverSentence(), context)
        start = g.add(ops.Activate(Function.TANH), product(g, mean, "ff_state", 2 * D, D))
        for state in ["d_h"] if cell == "gru" else ["d_h", "d_c"]:
            g.add(ops.StateStart(state, D), start)
        keys = product(g, context, "Wc_att", 2 * D, 2 * D)
    with g.phase(Phase.STEP):
        y = g.add(ops.TargetEmbedding(1.0, False), g.parameter("decoder_Wemb", Symbol.CANDIDATES, D))
        x = g.add(ops.Product(), y, g.parameter("cell1_W", D, gates * D))
        h1 = step(x, "d", "cell1", False)
        query = g.add(ops.Product(), h1, g.parameter("W_comb_att", D, 2 * D))
        energy = g.parameter("U_att", 2 * D, 1)
        attended = g.add(ops.AdditiveAttention(True), query, keys, context, energy)
        terms = [product(g, z, f"l1_{n}", w, D) for n, z, w in ((0, y, D), (1, h1, D), (2, attended, 2 * D))]
        total = g.add(ops.Add(), g.add(ops.Add(), terms[0], terms[1]), terms[2])
        top = g.add(ops.Activate(Function.TANH), total)
        out = g.parameter("out_Wt", Symbol.CANDIDATES, D)
        logits = g.add(ops.Logits(), top, out, g.parameter("out_b", 1, Symbol.CANDIDATES))
    return g.build(logits)


def all_graphs() -> dict[str, Graph]:
    return {
        "ssru": transformer(decoder_layers=2),
        "self-attention": transformer(decoder="self-attention"),
        "average": transformer(decoder="average", decoder_layers=2),
        "pre-norm": transformer(decoder="self-attention", pre_norm=True, decoder_layers=2),
        "gru": recurrent("gru"),
        "lstm": recurrent("lstm"),
    }
