"""Texts in a notation that no table names, in which something is wrong with the instruction.

In: a ``random.Random``, an ``InstructionSet``, a family and words for labels. Out: ``Candidate``.
Most are made from the templates of valid texts, so that neither the notation nor the words of the
operation tell whether a text is refused.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH
from training.texts.lenient.families.family import (
    FAMILIES,
    FAULT,
    OPERANDS,
    OTHER,
    decided,
    filled,
    slots_of,
)
from training.texts.lenient.families.making import Draft, draft, finished
from training.texts.strict.refused import Candidate

__all__ = ["MECHANISMS", "family_fault"]

_NO_REGISTERS = tuple("r8 r9 r10 r12 r31 R8 R9 R15 x3 eax sp ax acc r1.5 %eax reg8 R99".split())
_CELLS = ("[{r}]", "mem[{r}]", "@{r}", "[{r}+{n}]")
_LARGE = 2**31
_SHORTHAND = re.compile(r"\{(?:dest|src1)\}[^\w\u0080-\uffff={}+*<>-]+\{(?:src1|src2|dest)\}")
_NAMES_LABEL = re.compile(r"(?:label|lbl|line|address|addr|target)[ \t]*\{addr\}", re.IGNORECASE)
_BEFORE_WORD = re.compile(r"\{addr\}[ \t]+[^\W\d_]")
# What a rule takes off in front, or behind: the fault might go with it.
_HIDDEN = re.compile(r"//|\A-[ \t]+[A-Za-z]|\A[A-Za-z_.][\w.$]*:(?!=)")
_TRIES = 40


@dataclass(frozen=True)
class _Draw:
    """What a mechanism draws from: a text that would be right."""

    rng: Random
    isa: InstructionSet
    words: Sequence[str]
    right: Draft

    @property
    def slots(self) -> list[str]:
        return slots_of(self.right.template)

    @property
    def registers(self) -> list[str]:
        return [slot for slot in self.slots if slot not in ("value", "addr")]

    def word(self) -> str:
        """A word that is no number, and implies none as ``clear`` does."""
        implied = [row.words for row in lenient_data(self.isa).implied]
        while True:
            word = self.rng.choice(self.words)
            if word.lower() not in NUMBER_WORDS and not any(one.search(word) for one in implied):
                return word

    @property
    def alu(self) -> bool:
        return {"dest", "src2"} <= self.right.meaning.values.keys()

    @property
    def in_place(self) -> bool:
        return self.alu and "src1" not in self.slots

    def register(self, without: str = "") -> str:
        return self.rng.choice([n.lower() for n in self.isa.names if n.lower() != without.lower()])

    def number(self) -> str:
        return str(self.rng.randint(2, 99))

    def changed(self, **texts: str) -> str:
        return filled(self.right.template, {**self.right.texts, **texts})


_Mechanism = Callable[[_Draw], str | None]  # None: this text cannot go wrong so


def _missing(d: _Draw) -> str | None:
    """Without an operand; of three without two where the rest would be shorthand."""
    slots, template = d.slots, d.right.template
    if not slots or _NAMES_LABEL.search(template):
        return None
    gone = [d.rng.choice(slots)]
    if d.alu and len(slots) == 3 and _SHORTHAND.search(template):
        gone = d.rng.sample(slots, 2)
    # The word behind a label that is gone would be one.
    hole = "?" if _BEFORE_WORD.search(template) else d.rng.choice(("", "", "", "?"))
    text = d.changed(**dict.fromkeys(gone, hole))
    return re.sub(r"[ \t]+", " ", text).strip()


def _bad_register(d: _Draw) -> str | None:
    """With a register that the machine lacks."""
    if not d.registers:
        return None
    return d.changed(**{d.rng.choice(d.registers): d.rng.choice(_NO_REGISTERS)})


def _memory(d: _Draw) -> str | None:
    """With a memory cell in place of a register."""
    if not d.registers or re.search(r"[\[@]", d.right.template):
        return None
    cell = d.rng.choice(_CELLS).format(r=d.register(), n=d.number())
    return d.changed(**{d.rng.choice(d.registers): cell})


def _wrong_kind(d: _Draw) -> str | None:
    """With a number for a register, a register for a label, a word for a number."""
    if "addr" in d.slots:
        return d.changed(addr=d.register())
    if "value" in d.slots:
        return d.changed(value=d.word())
    if d.right.operation == "MOV_REG_REG" or not d.registers:
        return None  # a number first would be the source
    return d.changed(**{d.rng.choice(d.registers): d.number()})


def _bad_number(d: _Draw) -> str | None:
    """With a number out of range, a fraction, or what is no number."""
    rng = d.rng
    large = str(_LARGE + rng.choice((0, rng.randint(1, 9999), rng.randint(10**9, 10**12))))
    broken = f"{rng.randint(0, 99)}.{rng.randint(1, 99)}"
    if "value" in d.slots:
        others = (large, f"-{large}9", broken, f"{d.number()}abc", f"{d.number()}*{d.number()}")
        return d.changed(value=rng.choice(others))
    if "addr" in d.slots:
        return d.changed(addr=rng.choice((large, f"-{d.number()}", broken)))
    return None


def _extra(d: _Draw) -> str | None:
    """With an operand too many; ``Inc(r1, r2)`` would be an addition."""
    if not d.slots or d.in_place or (d.slots == ["dest"] and d.right.family.group == "code"):
        return None
    slot = d.rng.choice(d.slots)
    own = d.right.texts[slot]
    more = d.register(without=own)
    if slot == "value":
        more = d.number()
    elif slot == "addr":
        more = d.rng.choice([word for word in d.words[:400] if word != own])
    return d.changed(**{slot: own + d.rng.choice(d.right.family.joints) + more})


def _other(d: _Draw) -> str | None:
    """With another operation, or another condition, by the family's own words."""
    one = d.right.family
    names = [
        name
        for name, table in one.words.items()
        if OTHER in table and f"{{{name}}}" in d.right.source
    ]
    if not names:
        return None
    template = decided(d.right.source, one, d.right.operation, d.rng, d.rng.choice(names))
    if not {*slots_of(template)} <= OPERANDS:
        return None
    return filled(template, d.right.texts)


def _written(d: _Draw) -> str | None:
    """What a person wrote to be refused: a question, a negation, a sentence about it."""
    one, rng = d.right.family, d.rng
    template = decided(rng.choice(one.faults), one, OTHER, rng)
    names = rng.sample([name.lower() for name in d.isa.names], 4)
    upper = rng.random() < 0.3
    texts = {
        slot: name.upper() if upper else name for slot, name in zip("rstu", names, strict=True)
    }
    texts |= {"n": d.number(), "m": d.number(), "w": rng.choice(d.words)}
    assert {*slots_of(template)} <= FAULT, template
    return filled(template, texts)


MECHANISMS: dict[str, tuple[int, _Mechanism]] = {
    "missing": (20, _missing),
    "bad_register": (18, _bad_register),
    "memory": (5, _memory),
    "wrong_kind": (9, _wrong_kind),
    "bad_number": (6, _bad_number),
    "extra": (9, _extra),
    "other": (20, _other),
    "written": (26, _written),
}
"""How a text goes wrong, with weights."""


def family_fault(
    rng: Random,
    isa: InstructionSet,
    family: str,
    words: Sequence[str],
    *,
    mechanism: str | None = None,
) -> Candidate | None:
    """Draw one text of a family's notation that is refused.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        family: A name of ``FAMILIES``.
        words: Word list for labels.
        mechanism: One of ``MECHANISMS``; None for any.

    Returns:
        The text and the kind ``family_fault``; None where no such text came about.
    """
    ways = [mechanism] if mechanism else list(MECHANISMS)
    way = rng.choices(ways, [MECHANISMS[one][0] for one in ways])[0]
    for _ in range(_TRIES):
        right = draft(rng, isa, family, words)
        if right is None:
            continue
        text = MECHANISMS[way][1](_Draw(rng, isa, words, right))
        if text and not _HIDDEN.search(text):
            stop = not right.template.endswith("{addr}")
            text = finished(rng, FAMILIES[family], text, stop=stop)
            return Candidate(text, "family_fault") if len(text) <= MAX_LINE_LENGTH else None
    return None
