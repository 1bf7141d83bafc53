"""Types for argparse: numbers in a range, refused with their value and what is wanted.

In: an option's text. Out: the number, or ``argparse.ArgumentTypeError``, which argparse tells with
the option's name before anything is read or run. Used by every command of training, benchmarks
and fuzz campaigns.
"""

import argparse
import math
from collections.abc import Callable

from training.defaults import TRAINING_SEEDS

__all__ = ["fresh_seed", "integer_from", "positive_integer", "positive_number", "share"]


def integer_from(low: int) -> Callable[[str], int]:
    """Make a type of integers with a least one.

    Args:
        low: The smallest that is taken.

    Returns:
        A function from an option's text to its integer.

    >>> integer_from(2)("7")
    7
    """

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be an integer, got {text!r}") from None
        if value < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, got {value}")
        return value

    return read


positive_integer = integer_from(1)


def positive_number(text: str) -> float:
    """Read a finite number above 0.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be above 0 and finite, got {text}")
    return value


def share(text: str) -> float:
    """Read a number from 0 to 1.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, got {text}")
    return value


def fresh_seed(text: str) -> int:
    """Read a seed for texts to evaluate on: none of those that make the training data.

    Raises:
        argparse.ArgumentTypeError: It is no integer, or makes training data.
    """
    try:
        seed = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an integer, got {text!r}") from None
    if seed in TRAINING_SEEDS.values():
        raise argparse.ArgumentTypeError(f"{seed} makes the training data; choose another")
    return seed


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None
