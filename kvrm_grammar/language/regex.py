r"""Regular expressions as text: the few pieces that a constraint is made of.

In: texts, sets of characters, integer bounds. Out: expressions that the two
engines which read them understand alike, ``regex-automata`` inside Outlines and
Python's :mod:`re`: literals, ASCII classes, ``(?:…|…)`` and bounded repetition.
No lookaround, no ``\d``, no flags.
"""

from collections.abc import Collection

from kvrm_grammar.errors import ConstraintError

__all__ = [
    "alternatives",
    "character_class",
    "escape",
    "integer_range_regex",
    "multiples_regex",
]

_MAX_DIGITS = 64
_MAX_LISTED = 4096
# What regex-automata calls meta characters; Python accepts the same escapes.
_META = frozenset(r"\.+*?()|[]{}^$#&-~")


def escape(text: str) -> str:
    r"""Match a text literally.

    >>> print(escape('{"key":'))
    \{"key":
    """
    return "".join("\\" + c if c in _META else c for c in text)


def alternatives(options: list[str]) -> str:
    """Match one of several expressions; the engine prefers the first.

    >>> alternatives(["ab", "a"])
    '(?:ab|a)'
    """
    return options[0] if len(options) == 1 else f"(?:{'|'.join(options)})"


def character_class(characters: Collection[str]) -> str:
    """Match one of several ASCII characters; runs of three or more become ranges.

    >>> character_class("zyx_")
    '[_x-z]'
    """
    codes = sorted(map(ord, characters))
    pieces: list[str] = []
    while codes:
        length = 1
        while length < len(codes) and codes[length] == codes[0] + length:
            length += 1
        run = [escape(chr(code)) for code in codes[:length]]
        codes = codes[length:]
        pieces.append(f"{run[0]}-{run[-1]}" if length > 2 else "".join(run))
    return f"[{''.join(pieces)}]"


def integer_range_regex(low: int, high: int) -> str:
    """Match exactly the canonical decimals of a range: no leading zero, no ``-0``.

    Args:
        low: The smallest integer.
        high: The largest integer, included.

    Returns:
        An expression, in a group where it has alternatives.

    Raises:
        ConstraintError: The range is empty, or a bound has more than 64 digits.

    >>> integer_range_regex(-5, 123)
    '(?:-[1-5]|(?:0|[1-9][0-9]{0,1}|1(?:[0-1][0-9]|2[0-3])))'
    """
    if low > high:
        raise ConstraintError(f"empty integer range {low}…{high}")
    if max(abs(low), abs(high)) >= 10**_MAX_DIGITS:
        raise ConstraintError(f"an integer bound has more than {_MAX_DIGITS} digits")
    options = []
    if low < 0:
        options.append("-" + _naturals(max(1, -high), -low))
    if high >= 0:
        options.append(_naturals(max(0, low), high))
    return alternatives(options)


def multiples_regex(low: int, high: int, step: int) -> str:
    """Match exactly the canonical decimals of the multiples of a step in a range.

    Args:
        low: The smallest integer.
        high: The largest integer, included.
        step: At least 2; it must divide 1,000, or the range has at most 4,096 multiples.

    Returns:
        An expression, in a group where it has alternatives.

    Raises:
        ConstraintError: The range is empty, or the step is none of these.

    >>> multiples_regex(0, 25, 2)
    '(?:[02468]|2[024]|1[02468])'
    """
    if -(-low // step) > high // step:
        raise ConstraintError(f"no multiple of {step} in {low}…{high}")
    if 1000 % step and high // step - -(-low // step) >= _MAX_LISTED:
        raise ConstraintError(f"multiples of {step} are too many to list; use a divisor of 1000")
    if 1000 % step:
        return alternatives([str(n) for n in range(-(-low // step) * step, high + 1, step)])
    options = []
    if low < 0:
        options += ["-" + one for one in _multiples(max(1, -high), -low, step)]
    if high >= 0:
        options += _multiples(max(0, low), high, step)
    return alternatives(options)


def _multiples(low: int, high: int, step: int) -> list[str]:
    """Multiples among natural numbers: a head that is free, and a tail that decides."""
    count = next(n for n in (1, 2, 3) if 10**n % step == 0)
    tens = 10**count
    first, last = low // tens, high // tens
    whole_first = first if low % tens == 0 and first > 0 else first + 1
    whole_last = last if high % tens == tens - 1 else last - 1
    options = []
    for head in (head for head in sorted({first, last}) if not whole_first <= head <= whole_last):
        tails = [n for n in range(tens) if n % step == 0 and low <= head * tens + n <= high]
        if tails:
            options.append(_with_tails(head, tails, count))
    if whole_first <= whole_last:
        tail = _with_tails(0, list(range(0, tens, step)), count, zeros=True)
        options.append(integer_range_regex(whole_first, whole_last) + tail)
    return options


def _with_tails(head: int, tails: list[int], count: int, *, zeros: bool = False) -> str:
    if count == 1:
        written = character_class([str(n) for n in tails])
    elif head or zeros:
        written = alternatives([f"{n:0{count}d}" for n in tails])
    else:
        written = alternatives([str(n) for n in tails])
    return (str(head) if head else "") + written


def _naturals(low: int, high: int) -> str:
    options = ["0"] if low == 0 else []
    start = max(low, 1)
    while start <= high:
        length = len(str(start))
        if start == 10 ** (length - 1) and high >= 10**length - 1:
            # Lengths that the range covers completely share one alternative.
            most = len(str(high + 1)) - 1
            options.append(f"[1-9]{_digits(length - 1, most - 1)}")
            end = 10**most - 1
        else:
            end = min(high, 10**length - 1)
            options.append(_same_length(str(start), str(end)))
        start = end + 1
    return alternatives(options)


def _same_length(low: str, high: str) -> str:
    """Decimals from ``low`` to ``high``, which have the same number of digits."""
    if low == high:
        return low
    if low[0] == high[0]:
        return low[0] + _same_length(low[1:], high[1:])
    count = len(low) - 1
    first, last = int(low[0]), int(high[0])
    begin, end = [], []
    if low[1:] != "0" * count:
        begin.append(low[0] + _same_length(low[1:], "9" * count))
        first += 1
    if high[1:] != "9" * count:
        end.append(high[0] + _same_length("0" * count, high[1:]))
        last -= 1
    middle = [_digit(first, last) + _digits(count, count)] if first <= last else []
    return alternatives(begin + middle + end)


def _digit(first: int, last: int) -> str:
    return str(first) if first == last else f"[{first}-{last}]"


def _digits(fewest: int, most: int) -> str:
    if most == 0:
        return ""
    if fewest < most:
        return f"[0-9]{{{fewest},{most}}}"
    return "[0-9]" if most == 1 else f"[0-9]{{{most}}}"
