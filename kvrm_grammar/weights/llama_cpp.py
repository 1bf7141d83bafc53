"""llama.cpp's names of a Llama model's tensors, and its order of rows of queries and keys.

In: names and matrices of one side. Out: those of the other. Used by
:mod:`~kvrm_grammar.weights.conversion`, which reads a GGUF file, and by
:mod:`~kvrm_grammar.weights.gguf_adapter`, which writes one. Sources:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, and ``permute`` of llama.cpp's
``convert_hf_to_gguf.py``.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["LAYER_PARTS", "rows_in_halves", "rows_in_pairs"]

LAYER_PARTS = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""llama.cpp's name of a part of a layer -> transformers' name."""

Matrix = npt.NDArray[np.float32]


def rows_in_halves(matrix: Matrix, heads: int) -> Matrix:
    """Rows of each head from pairs side by side (llama.cpp) to two halves (transformers).

    Args:
        matrix: Shape (heads * size of a head, columns).
        heads: How many.
    """
    rows, columns = matrix.shape
    pairs = matrix.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def rows_in_pairs(matrix: Matrix, heads: int) -> Matrix:
    """Rows of each head from two halves to pairs side by side.

    Args:
        matrix: Shape (heads * size of a head, columns).
        heads: How many.

    >>> rows_in_pairs(np.array([[0], [1], [2], [3]], dtype=np.float32), 1).ravel().tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    rows, columns = matrix.shape
    halves = matrix.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)
