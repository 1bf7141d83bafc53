"""What a text plainly says: an operation's name with operands that fit, and nothing else.

In: a text. Out: whether rules alone read it as an instruction of the lenient dialect. Makers of
texts that are refused ask, for a fault may repair itself by chance; no answer depends on it.
"""

import re
from contextlib import suppress
from functools import cache

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import Opcode, load_set
from training.texts.lenient.context import is_bare_label
from training.texts.lenient.spelling import operations_near
from training.texts.operands import Kind, kind_of

__all__ = ["says_an_instruction"]

_SYNONYMS = lenient_data(load_set()).synonyms
_REGISTER = r"[%$]?(?:r|reg|register)[ _]?[0-7]"
_KIND = {
    "register": re.compile(rf"{_REGISTER}|\$[0-7]", re.IGNORECASE),
    "immediate": re.compile(
        r"[#=]?[-+−]?(?:[0-9]+(?:_[0-9]+)*|0x[0-9a-f]+|0b[01]+|0o[0-7]+|[0-9][0-9a-f]*h|\$[0-9a-f]+"
        r"|%[01]+|'.'?)",
        re.IGNORECASE,
    ),
    "target": re.compile(
        r"[0-9]+(?:_[0-9]+)*|0x[0-9a-f]+|0b[01]+|0o[0-7]+|[0-9][0-9a-f]*h|\$[0-9a-f]+|%[01]+"
        r"|[@%&]?(?!r[0-9]+\Z)[a-z_.][a-z0-9_.$]{0,63}",
        re.IGNORECASE,
    ),
}
_MARKED = re.compile(r"(-?)(?:\$([0-9a-f]+)|([0-9][0-9a-f]*)h|%([01]+))", re.IGNORECASE)
_ASSIGNS = r"\s*(?::=|<-+|←|⟵|≔|=)\s*"
_ONE = r"#?(?:1|0x1|0b1)"
_STEP = re.compile(
    rf"(?P<r>{_REGISTER})(?:\s*[-+−]=\s*{_ONE}|{_ASSIGNS}(?P=r)\s*[-+−]\s*{_ONE}"
    rf"|{_ASSIGNS}{_ONE}\s*\+\s*(?P=r))",
    re.IGNORECASE,
)
_COPY = re.compile(rf"{_REGISTER}{_ASSIGNS}(?:{_REGISTER}|-?[0-9]{{1,9}})", re.IGNORECASE)
_REMARK = re.compile(r"\s+(?:\([^()]*\)|/\*.*\*/|(?:--|@)(?:\s.*)?)\s*\Z|/\*.*?\*/")


def says_an_instruction(text: str) -> bool:
    """Whether a text, remarks apart, names an operation and operands that fit it.

    >>> [says_an_instruction(t) for t in ("LOOP dec r3", "r1 = r1 + 1", "mov 5, r1", "mov 5, 6")]
    [True, True, True, False]
    """
    if "\n" in text:
        return False
    while True:
        text = text.strip(" \t`\"'.:")
        if _STEP.fullmatch(text) or _COPY.fullmatch(text) or _listed(text):
            return True
        shorter = _REMARK.sub(" ", text, count=1).strip()
        if shorter == text:
            return False
        text = shorter


def _listed(text: str) -> bool:
    text = re.sub(r"\b(r|reg|register) (?=[0-7]\b)", r"\1_", text, flags=re.IGNORECASE)
    words = [word for word in re.split(r"[\s,()]+", text) if word]
    if not words or len(words) > 6:
        return False
    first, *rest = words
    named = [*_words().get(first.upper(), ()), *_near(first)]
    if any(_fits(opcode, rest) for opcode in named):
        return True
    if not rest or not (first.endswith(":") or is_bare_label(first)):
        return False
    name, *operands = rest
    return any(_fits(opcode, operands) for opcode in _words().get(name.upper(), ()))


def _near(word: str) -> tuple[Opcode, ...]:
    near = operations_near(word)
    return _words()[near[0]] if len(near) == 1 else ()


@cache
def _words() -> dict[str, tuple[Opcode, ...]]:
    """Mnemonics and synonyms -> the opcodes they may name."""
    found: dict[str, tuple[Opcode, ...]] = {}
    for mnemonic, names in _SYNONYMS.items():
        own = tuple(opcode for opcode in load_set().opcodes if opcode.mnemonic == mnemonic)
        found |= dict.fromkeys((mnemonic, *names), own)
    return found


def _fits(opcode: Opcode, operands: list[str]) -> bool:
    kinds = [kind_of(operand) for operand in opcode.operands]
    orders = [kinds]
    if kinds == ["register", "immediate"]:
        orders.append(kinds[::-1])
    if len(kinds) == 3:
        orders.append(kinds[:2])
    return any(len(order) == len(operands) and all(map(_is, operands, order)) for order in orders)


def _is(text: str, kind: Kind) -> bool:
    if not _KIND[kind].fullmatch(text):
        return False
    plain = text.lstrip("#=").replace("_", "").replace("−", "-")
    marked = _MARKED.fullmatch(plain)
    digits, bases = plain, [10, 0]
    if marked is not None:
        sign, hexadecimal, ended, binary = marked.groups(default="")
        digits, bases = sign + (hexadecimal or ended or binary), [2 if binary else 16]
    for base in bases:
        with suppress(ValueError):
            return -(2**31) <= int(digits, base) < 2**31
    return True
