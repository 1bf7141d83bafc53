"""What people say, in English: two lexicons, one to train on and one held out for evaluation.

In: the word lists of ``phrases/``. Out: :class:`Lexicon`. The order of the lists is part of
what a seed means. In a phrase ``[a|b]`` is a choice, ``{name}`` an operand.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import load_set
from training.texts.lenient.spelling import ways_of
from training.texts.wordings import NO_OTHER_WORDS, Wordings, read_rules

__all__ = ["HELD_OUT_LEXICON", "TRAINING_LEXICON", "Lexicon", "read_lexicon"]

_PHRASES = Path(__file__).resolve().parent / "phrases"


@dataclass(frozen=True)
class Lexicon:
    """What one side, training or evaluation, may say. Immutable.

    Conditions, jumps and frames begin with the plainest, which texts are made of more often.

    Attributes:
        phrases: Opcode without its ``OP_`` -> phrases; CLEAR writes a zero, and phrases with
            fewer registers than the opcode mean the first for the first two.
        conditions: Mnemonic of a conditional jump -> what stands behind "if".
        jumps: Verbs of jumping, each before a target.
        frames: Sentences of ``{jump}``, ``{addr}`` and ``{condition}``.
        openings: What may stand before a phrase.
        closings: What may stand behind it.
        faults: Kind of fault -> templates of texts that are refused: ``{r}``, ``{s}``, ``{t}``
            and ``{u}`` are registers, ``{n}`` and ``{m}`` numbers from 0 to 99, ``{w}`` a word.
        remarks: What a remark says, with the same places; none is an operand alone.
        operations: Operations of other machines that this side names.
        wordings: What of this may be said in other words; nothing, where evaluation says it.
    """

    phrases: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, tuple[str, ...]]
    jumps: tuple[str, ...]
    frames: tuple[str, ...]
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    faults: Mapping[str, tuple[str, ...]]
    remarks: tuple[str, ...]
    operations: tuple[str, ...]
    wordings: Wordings = NO_OTHER_WORDS


def read_lexicon(name: str) -> Lexicon:
    """Read a lexicon of ``phrases/``.

    Args:
        name: File name without its ``.toml``.

    Raises:
        FileNotFoundError: There is none of that name.
    """
    table: dict[str, Any] = tomllib.loads((_PHRASES / f"{name}.toml").read_text("utf-8"))
    data = lenient_data(load_set())
    held_out = name == "held_out"
    operations = tuple(
        word for word in data.other_operations if (word in data.held_out_operations) == held_out
    )
    fields = {field: _frozen(value) for field, value in table.items()}
    return Lexicon(**fields, operations=operations)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({name: tuple(items) for name, items in value.items()})
    return tuple(value)


def _in_other_words(lexicon: Lexicon, held_out: Lexicon) -> Lexicon:
    """With wordings that make nothing of what is held out."""
    kept = [*held_out.phrases.values(), *held_out.faults.values()]
    said = frozenset(one for texts in kept for text in texts for one in ways_of(text))
    rules = read_rules(lenient_data(load_set()).destination)
    return replace(lexicon, wordings=Wordings(rules, said))


HELD_OUT_LEXICON = read_lexicon("held_out")
TRAINING_LEXICON = _in_other_words(read_lexicon("training"), HELD_OUT_LEXICON)
