"""Operations and texts of any instruction set, drawn at random.

In: a ``random.Random`` and a set. Out: an operation, and one plain text that means it. Wide
variety of writing is the business of training's makers; here the grammar's own forms are enough.
"""

from random import Random

from kvrm_grammar.isa.domains import Domain
from kvrm_grammar.isa.instruction_set import InstructionSet, Operand
from kvrm_grammar.isa.operation import OperationModel

__all__ = ["boundary_values", "draw_text", "draw_value"]

_LABELS = "loop end main a b c x y z again top l1 _x .l q9".split()


def boundary_values(domain: Domain) -> tuple[int, ...]:
    """Integers at, just inside and just beyond the ends of a domain, and around zero."""
    integers = domain.integers
    if integers is None:
        return ()
    low, high, step = integers.low, integers.high, integers.step
    near = (low, high, 0, 1, -1, low + step, high - step, low - step, high + step)
    found = {n + off for n in near for off in (-1, 0, 1)} | {-n for n in near}
    return tuple(sorted(found))


def draw_value(rng: Random, operand: Operand, isa: InstructionSet) -> str | int:
    """Draw a member of an operand's domain."""
    domain = operand.domain
    kinds = ["names"] * bool(domain.names) + ["integers"] * (domain.integers is not None)
    kind = rng.choice([*kinds, *(["labels"] * domain.has_labels)])
    if kind == "names":
        return rng.choice(domain.names)
    if kind == "labels":
        labels = [word for word in _LABELS if isa.is_label(word)]
        if labels:
            return rng.choice(labels)
    integers = domain.integers
    if integers is None:
        raise ValueError(f"no label is at hand for {operand.name}: the grammar takes none of ours")
    size = rng.choice((10, 100, 10**4, integers.high - integers.low))
    value = rng.randint(max(integers.low, -size), min(integers.high, max(size, integers.low)))
    value -= value % integers.step
    return value if value in integers else integers.low


def draw_text(rng: Random, isa: InstructionSet) -> tuple[str, OperationModel]:
    """Draw an instruction.

    Args:
        rng: Source of randomness.
        isa: The instruction set.

    Returns:
        A text in one of the grammar's forms, and the operation that it means.
    """
    opcode = rng.choice(isa.opcodes)
    form = rng.choice(opcode.forms)
    operands = {operand.name: operand for operand in opcode.operands}
    params: dict[str, str | int] = dict(form.implied)
    words: dict[str, str] = {}
    for name in form.operands:
        value = params[name] = draw_value(rng, operands[name], isa)
        spelled = [word for word, own in operands[name].spellings if own == value]
        words[name] = rng.choice(spelled) if spelled else str(value)
    return form.joined(form.mnemonic, words), isa.operation(opcode.key, params)
