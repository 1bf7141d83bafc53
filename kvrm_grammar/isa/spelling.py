"""Case: a grammar may take a name in upper and lower case mixed.

In: a word. Out: all ways to write it, for those who ask a grammar which of them it takes.
"""

from itertools import product

__all__ = ["every_case", "mixed_case"]

_MOST_LETTERS = 10


def every_case(word: str) -> tuple[str, ...]:
    """All ways to write a word in ASCII letters of either case, the given one first.

    Args:
        word: Any word; of one with more than ten letters, only the given, the lower and the upper
            case are listed, and :func:`mixed_case` is what to ask the grammar for the others.

    >>> every_case("a1b")
    ('a1b', 'A1B', 'A1b', 'a1B')
    """
    choices = [dict.fromkeys((_upper(c), _lower(c))) for c in word]
    if sum(len(choice) == 2 for choice in choices) > _MOST_LETTERS:
        return tuple(dict.fromkeys((word, *("".join(map(f, word)) for f in (_upper, _lower)))))
    return tuple(dict.fromkeys((word, *map("".join, product(*choices)))))


def mixed_case(word: str) -> str:
    """A word with every second character in upper case, neither all upper nor all lower.

    >>> mixed_case("porch")
    'pOrCh'
    """
    return "".join(_upper(c) if place % 2 else _lower(c) for place, c in enumerate(word))


def _upper(character: str) -> str:
    return character.upper() if character.isascii() else character


def _lower(character: str) -> str:
    return character.lower() if character.isascii() else character
