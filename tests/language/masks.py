"""What tests ask of a token index, beyond what decoding needs.

In: a token index and a state. Out: its mask as bits, and whether it can only end.
"""

import numpy as np
import numpy.typing as npt

from kvrm_grammar.language.index import TokenIndex

__all__ = ["must_stop", "packed_mask"]


def packed_mask(index: TokenIndex, state: int) -> npt.NDArray[np.uint32]:
    """What is allowed as bits, the lowest token ID in the lowest bit: (ceil(vocab_size / 32),)."""
    bits = np.zeros(-(-index.vocab_size // 32) * 32, dtype=np.uint8)
    bits[index.allowed(state)] = 1
    return np.packbits(bits, bitorder="little").view("<u4")


def must_stop(index: TokenIndex, state: int) -> bool:
    """Whether the end token is all that is allowed."""
    return bool(index.allowed(state).tolist() == [index.eos_token_id])
