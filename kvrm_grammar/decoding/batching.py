"""A stream of items to batches of similar length, and back into the stream's order.

In: items and their lengths in token IDs. Out: batches of positions. What is
alike goes together: it is read without padding, and nothing has to share a row.
"""

from collections.abc import Sequence

__all__ = ["check_limits", "pack"]


def pack(lengths: Sequence[int], *, batch_size: int, batch_tokens: int) -> list[list[int]]:
    """Sort by length and cut into batches.

    Args:
        lengths: Token IDs of each item.
        batch_size: Items of a batch, at most.
        batch_tokens: Token IDs of a batch, padding included, at most; an item that is
            longer by itself is a batch of its own.

    Returns:
        Batches of positions in ``lengths``; every position is in one of them.

    >>> pack([9, 2, 3, 8], batch_size=3, batch_tokens=20)
    [[1, 2], [3, 0]]
    """
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        last = batches[-1] if batches else None
        if (
            last is not None
            and len(last) < batch_size
            and (len(last) + 1) * lengths[position] <= batch_tokens
        ):
            last.append(position)
        else:
            batches.append([position])
    return batches


def check_limits(**limits: int) -> None:
    """Check limits that are at least 1.

    Raises:
        ValueError: One of them is less; the error names it.
    """
    for name, value in limits.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
