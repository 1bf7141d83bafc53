"""Probes that grammar and schemas say the same about every operand.

In: a bound :class:`~kvrm_grammar.isa.instruction_set.InstructionSet`. Out: nothing, or an
:class:`~kvrm_grammar.errors.IsaError` that names the word and the side that has it alone.
"""

import re
import string
from collections.abc import Set

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.domains import Domain
from kvrm_grammar.isa.instruction_set import InstructionSet, Opcode, Operand
from kvrm_grammar.isa.schemas import key_of, params_class, schema_accepts
from kvrm_grammar.isa.spelling import mixed_case

__all__ = ["check_agreement"]

# Each name lies on one side of a boundary of the label language, or just beyond it.
_LABEL_PROBES = (
    *("a", "Z", "_", ".", "a$", "a.9_"),
    *("", "$a", "9a", "@a", "a@", "a-b", "a b", "a:", "\u017f", "a\u0661"),
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NUMBERS = ("", *(str(n) for n in range(100)), *(f"0{n}" for n in range(10)))


def check_agreement(isa: InstructionSet) -> None:
    """Compare both sides at every boundary that an operand has.

    Raises:
        IsaError: They disagree.
    """
    params = {key_of(model): params_class(model) for model in isa.models}
    every = (operand for opcode in isa.opcodes for operand in opcode.operands)
    # What writes a negative integer of another operand may write one here: the range refuses it.
    signed = {o.pattern for o in every if o.domain.integers and o.domain.integers.low < 0}
    for opcode in isa.opcodes:
        for operand in opcode.operands:
            place = f"{opcode.key}.{operand.name}"
            _check_names(isa, operand)
            _check_integers(place, operand, signed)
            if operand.domain.has_labels:
                _check_labels(isa, opcode, operand, params[opcode.key])


def _check_names(isa: InstructionSet, operand: Operand) -> None:
    """Every name can be written, and nothing near a name is taken that means none."""
    spellings = dict(operand.spellings)
    for name in operand.domain.names:
        _agree(f"register {name}", name in spellings.values(), True)
    declared = [word for word, name in isa.definition.registers if name in operand.domain.names]
    for word in declared:
        _agree(f"register {word}", word in spellings, True)
    for word in (mixed_case(word) for word in (*operand.domain.names, *declared)):
        _agree(f"register {word}", bool(operand.pattern.fullmatch(word)), word in spellings)
    for word in sorted({*_WORD.findall(operand.pattern.pattern)}):  # as the grammar lists them
        if operand.domain == Domain(names=operand.domain.names):
            taken = bool(operand.pattern.fullmatch(word))
            _agree(f"register {word}", taken, taken and word in spellings)
    stems = {word.rstrip(string.digits) for word in (*operand.domain.names, *declared)}
    for stem in sorted(stems):
        for probe in (stem + number for number in _NUMBERS):
            for case in dict.fromkeys((probe, probe.lower(), probe.upper())):
                _agree(f"register {case}", bool(operand.pattern.fullmatch(case)), case in spellings)


def _check_integers(place: str, operand: Operand, signed: Set[re.Pattern[str]]) -> None:
    """Probe that both ends of a range can be written, and no sign where none makes sense."""
    integers = operand.domain.integers
    if integers is None:
        return
    what = "address" if operand.domain.has_labels else "immediate"
    ends = (integers.low, integers.high)
    if integers.low > integers.high or any(end % integers.step for end in ends):
        raise IsaError(f"{place}: the ends of {operand.domain} are not in it")
    for value in ends:
        _agree(f"{what} {value}", bool(operand.pattern.fullmatch(str(value))), True)
    if integers.low >= 0 and operand.pattern not in signed:
        _agree(f"{what} -1", bool(operand.pattern.fullmatch("-1")), False)


def _check_labels(isa: InstructionSet, opcode: Opcode, operand: Operand, params: object) -> None:
    if isa.label_pattern is None or isa.label_definition is None:
        raise IsaError(f"{opcode.key}.{operand.name} takes labels: add LABEL and LABEL_DEF")
    longest = "a" * (operand.domain.label_max_length or 0)
    near_names = [f"{word}{end}" for word in isa.spellings for end in ("", "0", "x", "$")]
    for probe in (*_LABEL_PROBES, longest, longest + "a", *near_names):
        if probe in isa.spellings:
            _agree(f"{opcode.key}: label {probe!r}", isa.is_label(probe), False)
        in_grammar = bool(operand.pattern.fullmatch(probe)) and not probe[:1].isdigit()
        in_schema = schema_accepts(params, operand.name, probe)
        _agree(f"{opcode.key}: label {probe!r}", in_grammar, in_schema)


def _agree(what: str, in_grammar: bool, in_schemas: bool) -> None:
    if in_grammar != in_schemas:
        raise IsaError(f"{what} is in the {'grammar' if in_grammar else 'schemas'} only")
