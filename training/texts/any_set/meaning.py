"""What is to be said, and what of it a text writes: an operation in one of its forms.

In: an instruction set, its phrases and a ``random.Random``. Out: :class:`Meaning`, and
:class:`Phrasebook`, what one side, training or evaluation, may say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Any

from kvrm_grammar.dialects.lenient.data import (
    Composition,
    LenientData,
    ShortPhrases,
    lenient_data,
)
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS
from kvrm_grammar.isa import Form, InstructionSet, Opcode, Operand, OperationModel
from training.texts.any_set.unnamed import Unnamed, read_unnamed
from training.texts.lenient.spelling import ways_of
from training.texts.operands import Kind, kind_of
from training.texts.strict.valid import random_operation
from training.texts.wordings import NO_OTHER_WORDS, Wordings, read_rules

__all__ = [
    "Meaning",
    "Phrasebook",
    "draw_meaning",
    "kinds_of",
    "phrasebook",
    "plain_names",
    "short_meaning",
    "takes",
    "takes_in_any_order",
]

_EVENLY = 0.4  # how often all mnemonics are alike: `j` and `ret` are one name of many of theirs
_FIRST_FORM = 0.35  # how often an operation is written in its first form, whatever others it has
_IN_PLACE = 0.25


@dataclass(frozen=True)
class Phrasebook:
    """What one side may say. Immutable.

    Attributes:
        phrases: Mnemonic -> English for its first form.
        compositions: More of it, put together of frames and expressions.
        others: English for what this machine does not do.
        operations: Operations of other machines.
        unnamed: Notations that no table names.
        short: Mnemonic, the operands that a text need not write, and English that leaves them out.
        notations: What programs write that is no operation of this machine.
        wordings: What of this may be said in other words; nothing, where evaluation says it.
    """

    phrases: Mapping[str, tuple[str, ...]]
    compositions: tuple[Composition, ...]
    others: tuple[str, ...]
    operations: tuple[str, ...]
    unnamed: Unnamed
    short: tuple[tuple[ShortPhrases, str], ...] = ()
    notations: tuple[str, ...] = ()
    wordings: Wordings = NO_OTHER_WORDS


@lru_cache(maxsize=16)
def phrasebook(isa: InstructionSet, *, held_out: bool = False) -> Phrasebook:
    """What training says of a set, or what evaluation alone does."""
    data = lenient_data(isa)
    operations = tuple(
        word for word in data.other_operations if (word in data.held_out_operations) == held_out
    )
    short = tuple(
        (row, text)
        for row in data.short_phrases
        for text in (row.held_out if held_out else row.phrases)
    )
    if held_out:
        return Phrasebook(
            data.held_out_phrases, (), data.held_out_other_phrases, operations,
            read_unnamed(held_out=True), short, data.held_out_other_notations,
        )  # fmt: skip
    return Phrasebook(
        data.phrases, data.compositions, data.other_phrases, operations,
        read_unnamed(held_out=False), short, data.other_notations,
        Wordings(read_rules(data.destination), frozenset(_kept(data))),
    )  # fmt: skip


def _kept(data: LenientData) -> Iterator[str]:
    """What evaluation alone says: training says it in no words."""
    yield from (
        one for texts in data.held_out_phrases.values() for t in texts for one in ways_of(t)
    )
    yield from (one for t in data.held_out_other_phrases for one in ways_of(t))
    yield from (one for row in data.short_phrases for t in row.held_out for one in ways_of(t))


@lru_cache(maxsize=16)
def plain_names(isa: InstructionSet) -> tuple[str, ...]:
    """Operands' names, as the set spells them, but for those that a form implies.

    ``set a0 if a1 equals zero`` is an instruction where ``set a0 if a1 equals a2`` is none.
    """
    forms = [form for opcode in isa.opcodes for form in opcode.forms]
    implied = {value for form in forms for value in dict(form.implied).values()}
    return tuple(name for name in isa.names if name not in implied) or tuple(isa.names)


@dataclass(frozen=True)
class Meaning:
    """An operation, and the form in which it is to be written. Immutable.

    Attributes:
        operation: What is meant.
        opcode: Its row of the set.
        form: Which of its forms.
        notations: By operand, how it is spelled: ``register``, ``label`` or a notation of numbers.
    """

    operation: OperationModel
    opcode: Opcode
    form: Form
    notations: Mapping[str, str]

    @property
    def values(self) -> dict[str, Any]:
        """All operands by name, those that the form does not write among them."""
        return dict(self.operation.params.model_dump())

    @property
    def slots(self) -> tuple[Operand, ...]:
        """The operands that the form writes, in written order."""
        by_name = {operand.name: operand for operand in self.opcode.operands}
        return tuple(by_name[name] for name in self.form.operands)

    @property
    def kinds(self) -> list[Kind]:
        """Kinds of the operands that the form writes, in written order."""
        return kinds_of(self.opcode, self.form)

    @property
    def has_label(self) -> bool:
        """Whether an operand is a label."""
        operands = self.opcode.operands
        return any(o.domain.has_labels and isinstance(self.values[o.name], str) for o in operands)

    @property
    def shorthand(self) -> str | None:
        """The operand that may be left out, because it is what the destination is."""
        whole = len(self.opcode.operands) == len(self.slots) == 3
        return self.in_place if whole and self.slots[:2] == self.opcode.operands[:2] else None

    @property
    def in_place(self) -> str | None:
        """The operand that a phrase may leave out, as ``invert a0`` does: it is the destination."""
        if not _changes(self.slots):
            return None
        first, second = self.slots[:2]
        return second.name if self.values[first.name] == self.values[second.name] else None

    def with_values(self, isa: InstructionSet, **changed: object) -> "Meaning":
        """The same with other operands."""
        operation = isa.operation(self.operation.key, {**self.values, **changed})
        return replace(self, operation=operation)


def draw_meaning(
    rng: Random, isa: InstructionSet, words: Sequence[str], *, named: Sequence[str] = ()
) -> Meaning:
    """Draw an operation and one of its forms.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        words: Word list for labels.
        named: Mnemonics of which its form must have one; any, where none are named.
    """
    while True:
        names, wanted = named, None
        if rng.random() < _EVENLY:
            names = [rng.choice([*named] or [*isa.by_mnemonic])]
            wanted, _ = rng.choice(isa.by_mnemonic[names[0]])
        operation, opcode, kinds = random_operation(rng, isa, words, wanted)
        forms = [form for form in opcode.forms if not names or form.mnemonic in names]
        if not forms:
            continue
        form = forms[0] if rng.random() < _FIRST_FORM else rng.choice(forms)
        params = operation.params.model_dump() | dict(form.implied)
        notations = dict(zip((o.name for o in opcode.operands), kinds, strict=True))
        labels = [params[o.name] for o in opcode.operands if o.domain.has_labels]
        if any(str(label).lower() in NUMBER_WORDS for label in labels):
            continue  # free text would not tell it from a number
        meaning = Meaning(isa.operation(opcode.key, params), opcode, form, notations)
        break
    slots = meaning.slots
    for slot in slots:
        if kind_of(slot) == "target" and isinstance(params[slot.name], str) and rng.random() < 0.5:
            word = rng.choice(words)
            meaning = (
                meaning.with_values(isa, **{slot.name: word})
                if isa.is_label(word) and word.lower() not in NUMBER_WORDS
                else meaning
            )
    if rng.random() < _IN_PLACE and _changes(slots):
        first, second = slots[:2]
        meaning = meaning.with_values(isa, **{second.name: params[first.name]})
    return meaning


def short_meaning(
    rng: Random, isa: InstructionSet, words: Sequence[str], short: ShortPhrases, template: str
) -> Meaning:
    """Draw what a phrase means that leaves operands to be understood.

    What the phrase does not write and is not given either is what the first operand is.
    """
    opcode, form = isa.by_mnemonic[short.mnemonic][0]
    while True:
        operation, _, kinds = random_operation(rng, isa, words, opcode)
        params = operation.params.model_dump() | dict(form.implied) | dict(short.given)
        labels = [params[o.name] for o in opcode.operands if o.domain.has_labels]
        if not any(str(label).lower() in NUMBER_WORDS for label in labels):
            break  # else free text would not tell it from a number
    for name in form.operands:
        if f"{{{name}}}" not in template and name not in short.given:
            params[name] = params[form.operands[0]]
    notations = dict(zip((o.name for o in opcode.operands), kinds, strict=True))
    return Meaning(isa.operation(opcode.key, params), opcode, form, notations)


def _changes(slots: Sequence[Operand]) -> bool:
    """Whether operands as written are a register, a second one, and no target: one may be both."""
    if len(slots) not in (2, 3) or kind_of(slots[-1]) == "target":
        return False
    return slots[0].domain == slots[1].domain and bool(slots[0].domain.names)


def kinds_of(opcode: Opcode, form: Form) -> list[Kind]:
    """Kinds of what a form writes, in written order."""
    by_name = {operand.name: kind_of(operand) for operand in opcode.operands}
    return [by_name[name] for name in form.operands]


def takes(isa: InstructionSet, mnemonic: str, kinds: Sequence[Kind]) -> bool:
    """Whether a mnemonic has a form, or a shorthand of one, of operands of these kinds.

    >>> from kvrm_grammar.isa import load_set
    >>> [takes(load_set(), "ADD", ["register"] * count) for count in (1, 2, 3)]
    [False, True, True]
    """
    return tuple(kinds) in _signatures(isa, mnemonic)


def takes_in_any_order(isa: InstructionSet, mnemonic: str, kinds: Sequence[Kind]) -> bool:
    """Whether a mnemonic takes operands of these kinds, in whatever order they stand."""
    return any(sorted(one) == sorted(kinds) for one in _signatures(isa, mnemonic))


@lru_cache(maxsize=1024)
def _signatures(isa: InstructionSet, mnemonic: str) -> frozenset[tuple[Kind, ...]]:
    found: set[tuple[Kind, ...]] = set()
    for opcode, form in isa.by_mnemonic[mnemonic]:
        kinds = tuple(kinds_of(opcode, form))
        found.add(kinds)
        if len(kinds) == 3 and kinds[:2] == ("register", "register") and kinds[2] != "target":
            found.add(kinds[1:])
    return frozenset(found)
