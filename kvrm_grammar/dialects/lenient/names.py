"""How names of operands, such as registers, are spelled where no grammar minds.

In: an instruction set. Out: patterns for its names. Numbered names (R0 … R7) are written with a
blank, as `reg` or `register`, as `$5`, with the number in words, and run together; other names
stand as whole words. A name that says where in memory something is (`@r1`, `[r1]`, `4(r1)`) is
none.
"""

import re
import string
from dataclasses import dataclass
from functools import lru_cache

from kvrm_grammar.dialects.lenient.words import number_words
from kvrm_grammar.isa import InstructionSet

__all__ = ["RAISED", "NamePatterns", "name_patterns"]

RAISED = r"[\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2089\u2150-\u215f\u2189]"
"""A digit above or below the line, or a fraction: no number is beside it, no name before it."""

_WORDS = "register", "reg"
_ENDS = rf"(?u:(?!\.?\d)(?!{RAISED}))"  # no digit of any script, also raised or lowered
# ASCII alone: case ignored, a long s or the sign of kelvin would be letters of a name.
_CASES = re.ASCII | re.IGNORECASE


@dataclass(frozen=True)
class NamePatterns:
    """Patterns of a set's names, case ignored. Immutable.

    Attributes:
        mention: A name anywhere in a text; one of its groups, ``number``, ``dollar``, ``word``
            or ``name``, says which.
        memory: A name that stands for a place in memory, and so for no operand.
        one: A name as a whole word, as part of another pattern; with no group.
        glued: The same behind a mnemonic without a blank; empty where names do not run together.
        stem: What numbered names begin with; empty where they are not numbered.
    """

    mention: re.Pattern[str]
    memory: re.Pattern[str]
    one: str
    glued: str
    stem: str


@lru_cache(maxsize=16)
def name_patterns(isa: InstructionSet) -> NamePatterns:
    """Make the patterns of a set; one that never matches where it has no names."""
    stems = {name.rstrip(string.digits) for name in isa.names}
    digits = "".join(sorted({name[-1] for name in isa.names}))
    numbered = len(stems) == 1 and all(name[len(min(stems)) :].isdigit() for name in isa.names)
    if numbered and all(len(name) == len(min(stems)) + 1 for name in isa.names):
        return _numbered(min(stems).lower(), digits, isa)
    words = sorted(isa.spellings, key=lambda word: (-len(word), word))
    one = "[%$]?(?:" + "|".join(map(re.escape, words)) + ")" if words else "(?!)"
    own, ends = one.removeprefix("[%$]?"), r"(?![A-Za-z0-9_$]|\.[A-Za-z0-9_.$])"
    mention = rf"(?<![A-Za-z0-9_.$])[%$]?(?P<name>{own}){ends}"
    return NamePatterns(re.compile(mention, _CASES), _memory(one, isa), one, "", "")


def _memory(one: str, isa: InstructionSet) -> re.Pattern[str]:
    """``@r1``, ``, *r1``, ``[r1]``, ``[r1+4]``, ``[r1, #4]``, ``4(r1)``; no list ``[r5, r3]``.

    Nothing, where the set has operations on places in memory itself.
    """
    forms = (form for opcode in isa.opcodes for form in opcode.forms)
    if any("(" in piece or "[" in piece for form in forms for piece in form.pieces):
        return re.compile("(?!)")
    behind = r"(?=\s*(?:\]|[-+]|,\s*#))"
    return re.compile(
        rf"(?<![A-Za-z0-9])@{one}|(?:\A|[,=]\s*)\*\s?{one}"
        rf"|(?<![A-Za-z0-9])\[\s*{one}{behind}|(?<![A-Za-z0-9])(?:0x[0-9a-f]+|[0-9]+)\(\s*{one}\s*\)",
        re.IGNORECASE,
    )


def _numbered(stem: str, digits: str, isa: InstructionSet) -> NamePatterns:
    """``r5``, ``reg5``, ``register 5``, ``r 5``, also glued: ``subr5``, ``r5r3``."""
    own = re.escape(stem)
    spelled = "|".join(dict.fromkeys((*_WORDS, own)))
    words = "|".join(number_words(int(digit)) for digit in digits)
    another = rf"(?!_|(?!{spelled})[A-Za-z])"  # no letters behind it but those of the next name
    mention = re.compile(
        rf"(?:(?<![A-Za-z0-9])(?:{spelled})[ \t]|{spelled})(?P<number>[0-9]+){_ENDS}{another}"
        rf"|(?<![A-Za-z0-9_.$%])\$(?P<dollar>[{digits}])(?![A-Za-z0-9_$]|\.[0-9])"
        rf"|(?<![A-Za-z0-9])(?:{spelled})[ \t-](?P<word>{words})(?![A-Za-z])",
        _CASES,
    )
    some = f"[{digits}]" if len(digits) < 2 else f"[{digits[0]}-{digits[-1]}]"
    longer = "|".join(dict.fromkeys((own, *reversed(_WORDS))))
    one = rf"[%$]?(?:{longer})\s?{some}"
    return NamePatterns(mention, _memory(one, isa), one, rf"(?:{longer})\s?{some}", stem)
