"""Who sees whom -> what is added to attention scores.

In: booleans. Out: 0 where a token sees another, and elsewhere what no softmax leaves anything of.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["additive"]

_NEVER = np.float32(-1e9)


def additive(sees: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Make a mask.

    Args:
        sees: Row by row who sees whom, shape (rows, sequence, sequence).

    Returns:
        float32, shape (rows, 1, sequence, sequence), for all heads alike.
    """
    return np.where(sees, np.float32(0), _NEVER)[:, None]
