"""A decoder of Llama or Qwen2 blocks as an OpenVINO graph.

In: an architecture, and a function that gives each weight. Out: an ``openvino.Model`` from embedded
tokens, positions and an additive mask to last hidden states; everything between is written here
with OpenVINO's operations, so nothing is traced and torch is not needed. The embedding and the
output matrix stay outside: rows of a table need no graph, and are then in memory once.

``embedded`` float32 (rows, sequence, hidden), ``positions`` int32 (rows, sequence), ``mask``
float32 (rows or 1, 1, sequence, sequence): 0 where a query sees a key, very negative where not.
Result: ``hidden`` float32 (rows, sequence, hidden), behind the last norm.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from openvino import Model, Type
from openvino import opset13 as ops

from kvrm_grammar.errors import ExportError
from kvrm_grammar.weights.export.architecture import Architecture

__all__ = ["Quantised", "Weights", "build_graph", "quantised"]

Weights = Callable[[str], npt.NDArray[np.float32] | None]
"""A tensor by its name in the base model, such as ``model.norm.weight``; None where it has none."""

Quantised = tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]


def build_graph(architecture: Architecture, weights: Weights, *, int8: bool = False) -> Model:
    """Write the graph.

    Args:
        architecture: Shapes and constants.
        weights: The model's tensors, with any adapter folded in.
        int8: Matrices as int8 with a scale for each row; else float16.

    Returns:
        The graph, with dynamic rows and sequence.

    Raises:
        KeyError: A tensor that the architecture needs is missing.
        ExportError: There is a bias where the architecture has none.
    """
    embedded = ops.parameter([-1, -1, architecture.hidden], Type.f32, name="embedded")
    positions = ops.parameter([-1, -1], Type.i32, name="positions")
    mask = ops.parameter([-1, 1, -1, -1], Type.f32, name="mask")
    blocks = _Blocks(architecture, weights, int8)
    turned = blocks.rotations(positions)
    state: Any = embedded
    for layer in range(architecture.layers):
        name = f"model.layers.{layer}"
        normed = blocks.norm(state, f"{name}.input_layernorm")
        state = ops.add(state, blocks.attention(normed, turned, mask, f"{name}.self_attn"))
        normed = blocks.norm(state, f"{name}.post_attention_layernorm")
        state = ops.add(state, blocks.mlp(normed, f"{name}.mlp"))
    result = ops.result(blocks.norm(state, "model.norm"))
    result.output(0).get_tensor().set_names({"hidden"})
    return Model([result], [embedded, positions, mask], "kvrm")


def quantised(matrix: npt.NDArray[np.float32]) -> Quantised:
    """Round a matrix to int8, symmetrically, with a scale for each row.

    Args:
        matrix: float32, shape (out, in).

    Returns:
        int8 of the same shape, and scales, float32, shape (out, 1).

    >>> values, scales = quantised(np.array([[1.0, -2.0]], dtype=np.float32))
    >>> values.tolist()
    [[64, -127]]
    """
    scales = np.abs(matrix).max(axis=1, keepdims=True) / np.float32(127)
    scales[scales == 0] = 1
    return np.rint(matrix / scales).astype(np.int8), scales.astype(np.float32)


class _Blocks:
    """The parts of a block, with one model's weights."""

    def __init__(self, architecture: Architecture, weights: Weights, int8: bool) -> None:
        self._shape = architecture
        self._weights = weights
        self._int8 = int8

    def _weight(self, name: str, *shape: int) -> npt.NDArray[np.float32]:
        """A tensor, and an error where its shape is another; -1 stands for any width."""
        found = self._weights(name)
        if found is None:
            raise KeyError(name)
        fits = len(found.shape) == len(shape)
        if not fits or any(b not in (-1, a) for a, b in zip(found.shape, shape, strict=True)):
            raise ValueError(f"{name} has shape {found.shape}, not {shape}")
        return found

    def linear(self, states: Any, name: str, height: int, width: int) -> Any:
        """States (…, in) times a matrix (out, in), plus its bias where the model has one."""
        matrix = self._weight(f"{name}.weight", height, width)
        if self._int8:
            values, scales = quantised(matrix)
            constant = ops.multiply(ops.convert(ops.constant(values), "f32"), ops.constant(scales))
        else:
            constant = ops.constant(matrix)
        product = ops.matmul(states, constant, False, True)
        if name.rpartition(".")[2] not in self._shape.biased:
            if self._weights(f"{name}.bias") is not None:
                raise ExportError(f"no graph is built with {name}.bias, which the model has not")
            return product
        bias = self._weight(f"{name}.bias", len(matrix))
        return ops.add(product, ops.constant(bias[None, None]))

    def norm(self, states: Any, name: str) -> Any:
        """RMSNorm over the last axis."""
        weight = self._weight(f"{name}.weight", self._shape.hidden)
        square = ops.reduce_mean(
            ops.power(states, ops.constant(np.float32(2))), ops.constant([-1]), True
        )
        root = ops.sqrt(ops.add(square, ops.constant(np.float32(self._shape.epsilon))))
        return ops.multiply(ops.divide(states, root), ops.constant(weight[None, None]))

    def rotations(self, positions: Any) -> tuple[Any, Any]:
        """Cosines and sines of the rotary angles, each (rows, 1, sequence, head size)."""
        half = np.arange(0, self._shape.head_size, 2, dtype=np.float64)
        rates = (self._shape.theta ** (-half / self._shape.head_size)).astype(np.float32)
        rates = np.concatenate((rates, rates))[None, None, None]
        places = ops.convert(ops.unsqueeze(ops.unsqueeze(positions, 1), -1), "f32")
        angles = ops.multiply(places, ops.constant(rates))
        return ops.cos(angles), ops.sin(angles)

    def _heads(self, states: Any, count: int) -> Any:
        """(rows, sequence, count * head size) -> (rows, count, sequence, head size)."""
        shape = ops.constant(np.array([0, 0, count, self._shape.head_size], np.int64))
        return ops.transpose(ops.reshape(states, shape, True), ops.constant([0, 2, 1, 3]))

    def _rotated(self, heads: Any, turned: tuple[Any, Any]) -> Any:
        half = self._shape.head_size // 2
        halves = ops.variadic_split(heads, ops.constant(-1), ops.constant([half, half]))
        other = ops.concat(
            [ops.multiply(halves.output(1), ops.constant(np.float32(-1))), halves.output(0)], -1
        )
        return ops.add(ops.multiply(heads, turned[0]), ops.multiply(other, turned[1]))

    def _repeated(self, heads: Any) -> Any:
        """Each key or value head once for every query that it serves."""
        groups = self._shape.heads // self._shape.kv_heads
        if groups == 1:
            return heads
        which = np.repeat(np.arange(self._shape.kv_heads), groups)
        return ops.gather(heads, ops.constant(which), ops.constant(1))

    def attention(self, states: Any, turned: tuple[Any, Any], mask: Any, name: str) -> Any:
        """Grouped-query attention with rotary positions and an additive mask."""
        size, hidden = self._shape.head_size, self._shape.hidden
        queries, keys, values = (
            self._heads(self.linear(states, f"{name}.{part}", count * size, hidden), count)
            for part, count in (
                ("q_proj", self._shape.heads),
                ("k_proj", self._shape.kv_heads),
                ("v_proj", self._shape.kv_heads),
            )
        )
        queries, keys = self._rotated(queries, turned), self._rotated(keys, turned)
        mixed = ops.scaled_dot_product_attention(
            queries, self._repeated(keys), self._repeated(values), mask, causal=False
        )
        width = self._shape.heads * self._shape.head_size
        merged = ops.reshape(
            ops.transpose(mixed, ops.constant([0, 2, 1, 3])),
            ops.constant(np.array([0, 0, width], np.int64)),
            True,
        )
        return self.linear(merged, f"{name}.o_proj", self._shape.hidden, width)

    def mlp(self, states: Any, name: str) -> Any:
        """SiLU-gated MLP."""
        gate = ops.swish(self.linear(states, f"{name}.gate_proj", -1, self._shape.hidden))
        up = self.linear(states, f"{name}.up_proj", -1, self._shape.hidden)
        return self.linear(ops.multiply(gate, up), f"{name}.down_proj", self._shape.hidden, -1)
