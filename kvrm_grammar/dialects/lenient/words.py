"""Words of numbers, and what is one typing error from what.

In: nothing, or a name. Out: tables and lists that both the makers of lenient texts and what takes
part in an answer use.
"""

from collections.abc import Sequence

__all__ = ["NUMBER_WORDS", "OPERATION_FIELDS", "number_words", "one_edit_from"]

OPERATION_FIELDS = (
    "op", "opcode", "operation", "key", "instr", "instruction", "mnemonic", "name", "cmd",
    "command",
)  # fmt: skip
"""What records call the field with the name of the operation."""

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def number_words(value: int, joint: str = "-") -> str:
    """Write a number from 0 to 100 in words.

    Args:
        value: The number.
        joint: What stands between tens and units.

    Raises:
        ValueError: The number is not from 0 to 100.

    >>> number_words(42), number_words(100)
    ('forty-two', 'one hundred')
    """
    if not 0 <= value <= 100:
        raise ValueError(f"no words for {value}: not from 0 to 100")
    if value == 100:
        return "one hundred"
    if value < len(_UNITS):
        return _UNITS[value]
    tens, units = divmod(value, 10)
    return _TENS[tens - 2] + (joint + _UNITS[units] if units else "")


NUMBER_WORDS: dict[str, int] = {
    text: value
    for value in range(101)
    for text in (number_words(value), number_words(value, " "), number_words(value, ""))
} | {"a hundred": 100, "hundred": 100}
"""Every way a number from 0 to 100 is written in words, in lower case."""


def one_edit_from(name: str, names: Sequence[str]) -> list[str]:
    """Which names are one insertion, deletion, replacement or swap of neighbours away.

    >>> one_edit_from("JN", ["JZ", "JNZ", "JNS", "MOV"])
    ['JZ', 'JNZ', 'JNS']
    """
    return [other for other in names if _one_edit(name.upper(), other.upper())]


def _one_edit(one: str, other: str) -> bool:
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True
    if len(one) == len(other):
        swapped = one[:start] + one[start : start + 2][::-1] + one[start + 2 :]
        return one[start + 1 :] == other[start + 1 :] or swapped == other
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return longer[start + 1 :] == shorter[start:]
