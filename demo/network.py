"""Marian's transformer with an SSRU decoder, in PyTorch, for training: parameters carry Marian's names.

Letters of shapes: B sentences, S source length, T target length, D model width, H heads, V vocabulary.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional

_CONFIG = "special:model.yml"


class Masks:
    """Dropout from a stock of random bits: drawing new ones for every use would take longer than the network."""

    def __init__(self, share: float, size: int = 1 << 24) -> None:
        self.share = share
        self._stock = (torch.rand(size) >= share).to(torch.bfloat16) / (1 - share) if share else torch.ones(0)

    def drop(self, x: Tensor) -> Tensor:
        """Zero a share of the numbers, enlarge the others. At most ``size`` numbers."""
        start = int(torch.randint(len(self._stock) - x.numel() + 1, ()))
        return x * self._stock[start : start + x.numel()].view(x.shape).to(x.dtype)


class Network(nn.Module):
    """The demo architecture: post-norm, ReLU, every embedding table tied."""

    def __init__(self, config: dict[str, Any], vocabulary_size: int, dropout: float) -> None:
        super().__init__()
        self.config = {**config, "dim-vocabs": [vocabulary_size, vocabulary_size]}
        self.width: int = config["dim-emb"]
        self.heads: int = config["transformer-heads"]
        self.encoder_depth: int = config["enc-depth"]
        self.decoder_depth: int = config["dec-depth"]
        self._masks = Masks(dropout)
        for name, shape in self._shapes(vocabulary_size).items():
            self.register_parameter(name, nn.Parameter(_initial(name, shape)))

    def _shapes(self, vocabulary_size: int) -> dict[str, tuple[int, int]]:
        d, f = self.width, int(self.config["transformer-dim-ffn"])
        shapes = {"Wemb": (vocabulary_size, d), "decoder_ff_logit_out_b": (1, vocabulary_size)}

        def attention(prefix: str) -> None:
            for letter in "qkvo":
                shapes[f"{prefix}_W{letter}"] = (d, d)
                shapes[f"{prefix}_b{letter}"] = (1, d)
            norm(f"{prefix}_Wo")

        def norm(prefix: str) -> None:
            shapes[f"{prefix}_ln_scale"] = shapes[f"{prefix}_ln_bias"] = (1, d)

        def feed_forward(prefix: str) -> None:
            shapes.update({f"{prefix}_W1": (d, f), f"{prefix}_b1": (1, f)})
            shapes.update({f"{prefix}_W2": (f, d), f"{prefix}_b2": (1, d)})
            norm(f"{prefix}_ffn")

        for layer in range(1, self.encoder_depth + 1):
            attention(f"encoder_l{layer}_self")
            feed_forward(f"encoder_l{layer}_ffn")
        for layer in range(1, self.decoder_depth + 1):
            rnn = f"decoder_l{layer}_rnn"
            shapes.update({f"{rnn}_W": (d, d), f"{rnn}_Wf": (d, d), f"{rnn}_bf": (1, d)})
            norm(f"{rnn}_ffn")
            attention(f"decoder_l{layer}_context")
            feed_forward(f"decoder_l{layer}_ffn")
        return shapes

    def forward(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """What the output layer reads at every target position, and what the first attention head looks at.

        Args:
            source: [B, S] ids, EOS last; sentences of one batch are equally long, so nothing is masked.
            target: [B, T] ids, EOS last; what follows an EOS does not matter.

        Returns:
            [B, T, D], and [B, T, S] unnormalised log weights of the head that Marian reads alignments from.
        """
        table = self._get("Wemb")
        context = self._embed(functional.embedding(source, table))
        for layer in range(1, self.encoder_depth + 1):
            context, _ = self._attend(f"encoder_l{layer}_self", context, context)
            context = self._feed_forward(f"encoder_l{layer}_ffn", context)
        # The decoder reads what it wrote one step earlier; the first step reads a zero vector.
        previous = functional.embedding(target[:, :-1], table)
        state = self._embed(functional.pad(previous, (0, 0, 1, 0)))
        for layer in range(1, self.decoder_depth + 1):
            state = self._recur(f"decoder_l{layer}_rnn", state)
            state, looks = self._attend(f"decoder_l{layer}_context", state, context)
            state = self._feed_forward(f"decoder_l{layer}_ffn", state)
        return state, looks

    def output(self) -> tuple[Tensor, Tensor]:
        """Weights [V, D] and bias [V] of the output layer."""
        return self._get("Wemb"), self._get("decoder_ff_logit_out_b")[0]

    def _get(self, name: str) -> Tensor:
        return self.get_parameter(name)

    def _affine(self, prefix: str, letter: str, x: Tensor) -> Tensor:
        return functional.linear(x, self._get(f"{prefix}_W{letter}").T, self._get(f"{prefix}_b{letter}")[0])

    def _drop(self, x: Tensor) -> Tensor:
        return self._masks.drop(x) if self.training and self._masks.share else x

    def _norm(self, prefix: str, x: Tensor) -> Tensor:
        scale, bias = self._get(f"{prefix}_ln_scale")[0], self._get(f"{prefix}_ln_bias")[0]
        return functional.layer_norm(x.float(), (self.width,), scale, bias, 1e-6)

    def _embed(self, vectors: Tensor) -> Tensor:
        """Scale and add positions: sines in the first half of the columns, cosines in the second."""
        half = self.width // 2
        rates = torch.exp(torch.arange(half) * (-math.log(10000.0) / (half - 1)))
        angles = torch.arange(vectors.shape[1])[:, None] * rates
        positions = torch.cat([angles.sin(), angles.cos()], dim=1)
        return self._drop(math.sqrt(self.width) * vectors + positions)

    def _attend(self, prefix: str, queries: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        def split(x: Tensor) -> Tensor:  # [B, L, D] to [B, H, L, D/H]
            return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

        q = split(self._affine(prefix, "q", queries))
        k, v = split(self._affine(prefix, "k", values)), split(self._affine(prefix, "v", values))
        # Spelled out: for sentences this short the fused attention is far slower on a CPU.
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])  # [B, H, T, S]
        joined = (scores.float().softmax(-1).to(v.dtype) @ v).transpose(1, 2).flatten(2)
        looks = scores[:, 0].float()
        return self._norm(f"{prefix}_Wo", self._drop(self._affine(prefix, "o", joined)) + queries), looks

    def _feed_forward(self, prefix: str, x: Tensor) -> Tensor:
        y = self._affine(prefix, "2", torch.relu(self._affine(prefix, "1", x)))
        return self._norm(f"{prefix}_ffn", self._drop(y) + x)

    def _recur(self, prefix: str, x: Tensor) -> Tensor:
        """SSRU: c_t = f_t * c_(t-1) + (1 - f_t) * x_t W, output relu(c_t); only the gates see a bias."""
        forget = torch.sigmoid(self._affine(prefix, "f", x).float())
        update = (1 - forget) * (x @ self._get(f"{prefix}_W"))
        cell = torch.zeros_like(update[:, 0])
        cells = []
        for t in range(x.shape[1]):
            cell = forget[:, t] * cell + update[:, t]
            cells.append(cell)
        return self._norm(f"{prefix}_ffn", self._drop(torch.relu(torch.stack(cells, dim=1))) + x)


def _initial(name: str, shape: tuple[int, int]) -> Tensor:
    if name.endswith("_ln_scale"):
        return torch.ones(shape)
    if "_W" not in name and name != "Wemb":
        return torch.zeros(shape)
    # Glorot's range; embeddings get unit variance when they are read, scaled by sqrt(D).
    limit = math.sqrt(3 / shape[1]) if name == "Wemb" else math.sqrt(6 / sum(shape))
    return torch.empty(shape).uniform_(-limit, limit)


def load(network: Network, path: Path) -> None:
    """Set all parameters from a Marian model of the same architecture."""
    with np.load(path) as file:
        parameters = {name: torch.from_numpy(file[name]) for name in file.files if name != _CONFIG}
    network.load_state_dict(parameters)


def save(network: Network, parameters: dict[str, Tensor], path: Path) -> None:
    """Write a Marian model; appears under its name only when it is complete."""
    arrays: dict[str, Any] = {name: tensor.detach().numpy() for name, tensor in parameters.items()}
    text = yaml.safe_dump(network.config, sort_keys=True).encode() + b"\0"
    arrays[_CONFIG] = np.frombuffer(text, np.int8)
    temporary = path.with_name(path.name + ".part.npz")
    np.savez(temporary, **arrays)
    os.replace(temporary, path)
