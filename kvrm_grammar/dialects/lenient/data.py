"""``lenient.toml``: what people write instead of a set's own words.

In: the tables of the file. Out: a frozen :class:`LenientData`. It makes drafts and training texts.
Of an answer it decides four things: the values that words such as ``clear`` imply, what begins a
comment here beside the set's own signs, whether ``010`` is a number, and which names of operations
and fields are no labels.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.errors import InputError, IsaError
from kvrm_grammar.isa import InstructionSet

__all__ = [
    "Composition",
    "ImpliedValue",
    "LenientData",
    "ShortPhrases",
    "lenient_data",
    "operation_names",
]

_SLOT = re.compile(r"\{(\w+)\}")
_FIRST_WITHOUT_BLANKS = "\u2e80"  # Chinese and Japanese characters lie behind it


@dataclass(frozen=True)
class Composition:
    """English phrases by two parts of them. Immutable.

    Attributes:
        frames: With ``{x}`` where an expression stands: ``put {x} in {rd}``.
        expressions: Mnemonic -> what may stand there: ``the sum of {rs1} and {rs2}``.
    """

    frames: tuple[str, ...]
    expressions: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class ShortPhrases:
    """English, or signs, for an operation some of whose operands a text need not write. Immutable.

    Attributes:
        mnemonic: What is meant, in its first form.
        given: Operand -> what it is though no phrase writes it: ``increment {rd}`` adds 1.
        phrases: They write the other operands; training draws them.
        held_out: The same, for evaluation alone.
    """

    mnemonic: str
    given: Mapping[str, int | str]
    phrases: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class ImpliedValue:
    """An operand that words imply without writing it. Immutable.

    Attributes:
        operand: Its name.
        value: What it is.
        words: Finds one of the words in a text.
        of: Keys of the opcodes that it is an operand of; empty for all that have it.
    """

    operand: str
    value: int | str
    words: re.Pattern[str]
    of: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LenientData:
    """The tables of ``lenient.toml``. Immutable.

    Attributes:
        synonyms: Mnemonic -> other words for it. Their order is part of what a seed means.
        infix_signs: Mnemonic -> the sign between its two sources.
        step_signs: Mnemonic -> the sign behind its only operand.
        other_operations: Operations of other machines, in lower case; none of them is a word for
            an operation of this one.
        held_out_operations: Those of them that evaluation alone draws.
        keywords: Patterns of English and the mnemonic that each suggests; the first that occurs
            in a text counts.
        aliases: Other names of operands -> the operand.
        no_labels: Words of speech that no bare label is, in lower case.
        implied: What words imply without writing it.
        destination: The operand that arrows and ``into`` point to; empty where there is none.
        comments: What begins a comment beside the strict dialect's signs.
        leading_zeros: Whether ``010`` is a decimal number; where not, it is none.
        notations: Mnemonic -> how programs of other languages write one of its forms.
        phrases: Mnemonic -> English for its first form; training draws them.
        held_out_phrases: The same, for evaluation alone.
        compositions: English put together, which training draws beside the phrases.
        other_phrases: English for what this machine does not do; training draws them.
        held_out_other_phrases: The same, for evaluation alone.
        other_notations: What programs write that is no operation of this machine, or none alone.
        held_out_other_notations: The same, for evaluation alone.
        short_phrases: What leaves operands to be understood.
    """

    synonyms: Mapping[str, tuple[str, ...]]
    infix_signs: Mapping[str, str]
    step_signs: Mapping[str, str]
    other_operations: tuple[str, ...]
    held_out_operations: tuple[str, ...]
    keywords: tuple[tuple[re.Pattern[str], str], ...]
    aliases: Mapping[str, str]
    implied: tuple[ImpliedValue, ...]
    no_labels: frozenset[str]
    destination: str
    comments: tuple[str, ...] = ()
    leading_zeros: bool = True
    notations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    held_out_phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    compositions: tuple[Composition, ...] = ()
    other_phrases: tuple[str, ...] = ()
    held_out_other_phrases: tuple[str, ...] = ()
    other_notations: tuple[str, ...] = ()
    held_out_other_notations: tuple[str, ...] = ()
    short_phrases: tuple[ShortPhrases, ...] = ()

    @cached_property
    def meant_by(self) -> Mapping[str, str]:
        """Synonym, in upper case -> the mnemonic."""
        return {word.upper(): name for name, words in self.synonyms.items() for word in words}

    @cached_property
    def all_other_operations(self) -> frozenset[str]:
        """Operations of other machines as a set, to look words up in."""
        return frozenset(self.other_operations)


@lru_cache(maxsize=16)
def lenient_data(isa: InstructionSet) -> LenientData:
    """Read the tables of a set.

    Raises:
        InputError: The set has no ``lenient.toml``, so it has no lenient dialect.
        IsaError: A table has the wrong shape, or is about a mnemonic that the set does not have.
    """
    tables = isa.dialect_data
    if tables is None:
        raise InputError(f"the set {isa.name} has no lenient.toml, so no lenient dialect")
    steps, keywords = tables.get("step_signs", {}), tables.get("keywords", ())
    try:
        data = LenientData(
            _lists(tables, "synonyms"),
            dict(tables.get("infix_signs", {})),
            dict(zip(steps, _texts(tuple(steps.values())), strict=True)),
            _texts(tables.get("other_operations", ())),
            _texts(tables.get("held_out_operations", ())),
            tuple((re.compile(words, re.IGNORECASE), name) for words, name in keywords),
            dict(tables.get("aliases", {})),
            tuple(
                ImpliedValue(
                    str(row["operand"]),
                    row["implies"],
                    _beginnings(_texts(row["words"])),
                    frozenset(row.get("of", ())),
                )
                for row in tables.get("implied", ())
            ),
            frozenset(tables.get("no_labels", ())),
            str(tables.get("destination", "")),
            _texts(tables.get("comments", ())),
            bool(tables.get("leading_zeros", True)),
            _lists(tables, "notations"),
            _lists(tables, "phrases"),
            _lists(tables, "held_out_phrases"),
            tuple(
                Composition(tuple(table["frames"]), _lists(table, "expressions"))
                for table in tables.get("compositions", ())
            ),
            tuple(tables.get("other_phrases", ())),
            tuple(tables.get("held_out_other_phrases", ())),
            _texts(tables.get("other_notations", ())),
            _texts(tables.get("held_out_other_notations", ())),
            tuple(
                ShortPhrases(
                    str(table["of"]),
                    dict(table["given"]),
                    _texts(table["phrases"]),
                    _texts(table["held_out"]),
                )
                for table in tables.get("short_phrases", ())
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise IsaError(f"lenient.toml of {isa.name}: {error}") from error
    named = {*data.synonyms, *data.infix_signs, *data.step_signs, *(n for _, n in data.keywords)}
    named |= {*data.notations, *data.phrases, *data.held_out_phrases}
    named |= {name for composition in data.compositions for name in composition.expressions}
    named |= {short.mnemonic for short in data.short_phrases}
    if strange := sorted(named - isa.by_mnemonic.keys()):
        raise IsaError(f"lenient.toml of {isa.name} is about {strange[0]}, which is no mnemonic")
    for short in data.short_phrases:
        opcode = isa.by_mnemonic[short.mnemonic][0][0]
        domains = {operand.name: operand.domain for operand in opcode.operands}
        for name, value in short.given.items():
            if name not in domains or not domains[name].has_value(value):
                raise IsaError(f"lenient.toml of {isa.name}: {opcode.key} has no {name} {value!r}")
        slots = {slot for text in (*short.phrases, *short.held_out) for slot in _SLOT.findall(text)}
        if strange := sorted(slots - (domains.keys() - short.given.keys())):
            raise IsaError(
                f"lenient.toml of {isa.name}: no phrase of {short.mnemonic} writes {strange[0]}"
            )
    for row in data.implied:
        having = {o.key for o in isa.opcodes if row.operand in {one.name for one in o.operands}}
        if strange := sorted(row.of - having) or ([] if having else ["no operation"]):
            raise IsaError(
                f"lenient.toml of {isa.name}: {strange[0]} has no {row.operand} to imply"
            )
    return data


@lru_cache(maxsize=16)
def operation_names(isa: InstructionSet) -> Mapping[str, str]:
    """Mnemonics and synonyms of a set, in upper case -> the mnemonic; not to be changed.

    >>> from kvrm_grammar.isa import load_set
    >>> operation_names(load_set())["GOTO"]
    'JMP'
    """
    return {name.upper(): name for name in isa.by_mnemonic} | dict(lenient_data(isa).meant_by)


def _lists(tables: Mapping[str, Any], name: str) -> dict[str, tuple[str, ...]]:
    return {key: _texts(words) for key, words in tables.get(name, {}).items()}


def _texts(words: Sequence[object]) -> tuple[str, ...]:
    """A list of texts; a text is none, nor is one of nothing."""
    if isinstance(words, str) or not all(isinstance(word, str) and word for word in words):
        raise TypeError(f"not a list of texts: {words!r:.80}")
    return tuple(map(str, words))


def _beginnings(words: Sequence[str]) -> re.Pattern[str]:
    """Words by how they begin; signs, and scripts without blanks between words, stand anywhere."""
    anywhere = [word for word in words if word > _FIRST_WITHOUT_BLANKS or not word[0].isalpha()]
    spaced = [word for word in words if word not in anywhere]
    starts = rf"(?<![^\W\d_])(?:{'|'.join(map(re.escape, spaced))})" if spaced else "(?!)"
    return re.compile("|".join([starts, *map(re.escape, anywhere)]), re.IGNORECASE)
