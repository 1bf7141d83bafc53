"""What is to be written, and what writes it: the common ground of all forms.

In: an instruction set and a speller. Out: a :class:`Meaning`, and a :class:`Writing` of it whose
methods give the operands and the name as a form needs them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS
from kvrm_grammar.isa import InstructionSet, Opcode, OperationModel, load_set
from training.texts.lenient.lexicon import Lexicon
from training.texts.lenient.spelling import Speller
from training.texts.operands import kind_of
from training.texts.strict.spelling import mixed_case
from training.texts.strict.valid import random_operation, separator

__all__ = ["Meaning", "Writing", "draw_meaning"]

_REGISTER_LIKE = re.compile(r"[Rr][0-9]")


@dataclass(frozen=True)
class Meaning:
    """What is to be written: an operation, its opcode, and a notation for each operand."""

    operation: OperationModel
    opcode: Opcode
    notations: tuple[str, ...]

    @property
    def values(self) -> dict[str, Any]:
        """The operands by name."""
        return dict(self.operation.params.model_dump())

    @property
    def in_place(self) -> bool:
        """Whether an operation of two sources writes over its first."""
        return {"dest", "src1", "src2"} <= self.values.keys() and (
            self.values["dest"] == self.values["src1"]
        )

    def with_value(self, value: int) -> "Meaning":
        """The same with another number, in decimal."""
        kinds = [kind_of(operand) for operand in self.opcode.operands]
        notations = tuple(
            "decimal" if kind == "immediate" else notation
            for kind, notation in zip(kinds, self.notations, strict=True)
        )
        changed = load_set().operation(self.operation.key, {**self.values, "value": value})
        return Meaning(changed, self.opcode, notations)

    def with_values(self, **changed: Any) -> "Meaning":
        """The same with other operands."""
        operation = load_set().operation(self.operation.key, {**self.values, **changed})
        return Meaning(operation, self.opcode, self.notations)


def draw_meaning(rng: Random, isa: InstructionSet, words: Sequence[str]) -> Meaning:
    """Draw an operation; one that writes over its first source comes more often.

    No label looks like a register, is a number in words or ends in a full stop: free text would
    not tell them apart. Half of the labels are plain words, as those in texts that are refused are.
    """
    while True:
        meaning = Meaning(*random_operation(rng, isa, words))
        if isinstance(meaning.values.get("addr"), str) and rng.random() < 0.5:
            meaning = meaning.with_values(addr=rng.choice(words))
        label = str(meaning.values.get("addr", ""))
        is_free = not (_REGISTER_LIKE.match(label) or label.endswith("."))
        if is_free and label.lower() not in NUMBER_WORDS:
            break
    if "src2" in meaning.values and "dest" in meaning.values and rng.random() < 0.25:
        meaning = meaning.with_values(src1=meaning.values["dest"])
    return meaning


@dataclass(frozen=True)
class Writing:
    """What a form needs to write a meaning. Immutable."""

    rng: Random
    meaning: Meaning
    spell: Speller
    lexicon: Lexicon

    def operand(self, name: str) -> str:
        """One operand, as the speller writes it."""
        place = [operand.name for operand in self.meaning.opcode.operands].index(name)
        kind = kind_of(self.meaning.opcode.operands[place])
        value = self.meaning.values[name]
        if kind == "register":
            return self.spell.register(value)
        if isinstance(value, int):
            notation = self.meaning.notations[place]
            return self.spell.number(value, notation, immediate=kind == "immediate")
        return str(value)

    def operands(self, names: Sequence[str] | None = None) -> list[str]:
        """Several operands; None for all, in order."""
        return [self.operand(name) for name in (self.meaning.values if names is None else names)]

    def name(self) -> str:
        """The mnemonic in any case."""
        return mixed_case(self.meaning.opcode.mnemonic, self.rng)

    def listed(self, name: str, operands: Sequence[str]) -> str:
        """Operands behind a name, with commas or blanks between them."""
        text = name + (self.rng.choice((" ", " ", " ", "  ", "\t")) if operands else "")
        return text + "".join(
            (separator(self.rng) if i else "") + o for i, o in enumerate(operands)
        )
