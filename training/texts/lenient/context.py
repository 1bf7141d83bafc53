"""What stands around an instruction and means nothing: remarks, bare labels, a listing's columns.

In: a text and a ``random.Random``. Out: the text with it. :mod:`training.texts.lenient.valid` says
which forms take it, :mod:`training.texts.lenient.refused_forms` breaks it.
"""

from collections.abc import Sequence
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS
from kvrm_grammar.isa import load_set
from training.texts.lenient.lexicon import Lexicon
from training.texts.lenient.spelling import any_of, is_name, operations_near
from training.texts.strict.spelling import mixed_case

__all__ = [
    "address",
    "bare_label",
    "code_bytes",
    "is_bare_label",
    "listing",
    "remark",
    "remark_text",
    "within",
]

_DATA = lenient_data(load_set())
# Verbs and the like, behind which an instruction would be part of a sentence.
_SPEECH = frozenset(
    "help test check call try begin finish start wait write read print give take keep make set put "
    "let leave enter add sum cancel delay close note hello enough less more most over off up down "
    "fail error okay ok yes thank turn tell talk think want wish use using double triple half "
    "full bus last before after above below about quit end-of either neither r reg register".split()
)
_TAILS = ("", "", "", "", "1", "2", "3", "10", "_1", "_2", "99")


def remark_text(rng: Random, names: Sequence[str], words: Sequence[str], lexicon: Lexicon) -> str:
    """What a remark says; registers and numbers in it are not the instruction's."""
    r, s, t = (mixed_case(rng.choice(names), rng) for _ in range(3))
    return any_of(lexicon.remarks, rng).format(
        r=r, s=s, t=t, n=rng.randint(0, 99), m=rng.randint(1, 99), w=rng.choice(words)
    )


def remark(text: str, said: str, rng: Random, *, dashes: bool = True) -> str:
    """Put a remark behind an instruction.

    Args:
        text: The instruction.
        said: The remark.
        rng: Source of randomness.
        dashes: Whether two of them may begin it; behind an assignment they would be a sign.
    """
    marks = [f"({said})", f"({said})", f"({said})", f"/* {said} */", f"/*{said}*/", f"@ {said}"]
    marks += [f"@ {said}"] + [f"-- {said}"] * 3 * dashes
    return text + rng.choice((" ", " ", " ", "  ", "\t", "    ")) + rng.choice(marks)


def within(text: str, said: str, rng: Random) -> str | None:
    """Put a block remark between two words or in front; None where there is one word only."""
    places = [place for place, character in enumerate(text) if character == " "]
    block = rng.choice((f"/* {said} */", f"/*{said}*/"))
    if rng.random() < 0.2:
        return f"{block} {text}"
    if not places:
        return None
    place = rng.choice(places)
    return f"{text[:place]} {block} {text[place + 1 :]}"


def is_bare_label(word: str) -> bool:
    """Whether a first word defines a label: it names nothing and is no misspelt name."""
    low = word.lower()
    return not (
        is_name(word)
        or operations_near(word)
        or low in _DATA.no_labels
        or low in _SPEECH
        or low in NUMBER_WORDS
    )


def bare_label(rng: Random, words: Sequence[str]) -> str:
    """A label as it stands in the first column: a word in capitals, mostly."""
    while True:
        parts = [rng.choice(words) for _ in range(rng.choice((1, 1, 1, 1, 2)))]
        if not all(is_bare_label(part) for part in parts):
            continue
        case = rng.choice((str.upper, str.upper, str.upper, str.lower, str.lower, str.capitalize))
        return case(rng.choice(("_", "")).join(parts)) + rng.choice(_TAILS)


def address(rng: Random) -> str:
    """Where a listing says that an instruction is; four digits alone have no colon."""
    place = rng.choice((rng.randrange(0x1000), rng.randrange(0x10000), 4 * rng.randrange(0x100)))
    ways = (
        f"{place:x}:",
        f"{place:04x}:",
        f"{place:08x}:",
        f"0x{place:08x}:",
        f"0x{place:04x}:",
        f"{0x80000000 + place:x}:",
        f"{place:04X}",
        f"{place:04x}",
    )
    return rng.choice(ways)


def code_bytes(rng: Random) -> str:
    """Groups of hexadecimal bytes or words."""
    size = rng.choice((1, 1, 2, 2, 2, 4, 4))
    count = rng.randint(1, 4) if size == 1 else rng.choice((1, 1, 2)) if size == 2 else 1
    groups = [f"{rng.randrange(256**size):0{2 * size}x}" for _ in range(count)]
    text = rng.choice((" ", " ", " ", "  ")).join(groups)
    return text.upper() if rng.random() < 0.3 else text


def listing(text: str, rng: Random) -> str:
    """Put an instruction into a line of a listing: address, bytes, instruction."""
    start, gap = address(rng), rng.choice(("\t", "  ", "   ", " ", "     "))
    if start.endswith(":") and start[0].isdigit() and rng.random() < 0.15:
        return f"{start}{gap}{text}"
    indent = rng.choice(("", "", "", " ", "  ", "    "))
    bytes_ = code_bytes(rng)
    behind = rng.choice(("\t", "  ", "   ", "      ", " \t", "          "))
    return f"{indent}{start}{gap}{bytes_}{behind}{text}"
