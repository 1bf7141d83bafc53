"""Operations and texts of any instruction set, drawn at random.

In: a ``random.Random`` and a set. Out: an operation, and one plain text that means it. Wide
variety of writing is the business of training's makers; here the grammar's own forms are enough.
"""

from functools import lru_cache
from random import Random

from kvrm_grammar.isa.domains import Domain, Integers
from kvrm_grammar.isa.instruction_set import InstructionSet, Operand
from kvrm_grammar.isa.operation import OperationModel

__all__ = ["boundary_values", "draw_text", "draw_value", "usual_value"]

_LABELS = "loop end main a b c x y z again top l1 _x .l q9".split()
_ASCII = tuple(map(chr, range(128)))


def boundary_values(domain: Domain) -> tuple[int, ...]:
    """Integers at, just inside and just beyond the ends of a domain, and around zero."""
    integers = domain.integers
    if integers is None:
        return ()
    low, high, step = integers.low, integers.high, integers.step
    near = (low, high, 0, 1, -1, low + step, high - step, low - step, high + step)
    found = {n + off for n in near for off in (-1, 0, 1)} | {-n for n in near}
    return tuple(sorted(found))


def usual_value(operand: Operand, isa: InstructionSet) -> str | int:
    """The plainest member of an operand's domain: the first name, the lowest integer, a label."""
    domain = operand.domain
    if domain.names:
        return domain.names[0]
    return _labels(isa)[0] if domain.integers is None else domain.integers.low


def draw_value(rng: Random, operand: Operand, isa: InstructionSet) -> str | int:
    """Draw a member of an operand's domain; integers of few digits as often as of many."""
    domain = operand.domain
    kinds = ["names"] * bool(domain.names) + ["labels"] * domain.has_labels
    kind = rng.choice([*kinds, *(["integers"] * (domain.integers is not None))])
    if kind == "names":
        return rng.choice(domain.names)
    if kind == "integers" and domain.integers is not None:
        return _integer(rng, domain.integers)
    return rng.choice(_labels(isa))


def _integer(rng: Random, integers: Integers) -> int:
    """Counted in steps from the end that is nearest to zero."""
    first, last = -(-integers.low // integers.step), integers.high // integers.step
    middle = min(max(0, first), last)
    size = rng.choice((10, 100, 10**4, last - first))
    return integers.step * rng.randint(max(first, middle - size), min(last, middle + size))


@lru_cache(maxsize=16)
def _labels(isa: InstructionSet) -> tuple[str, ...]:
    """Some labels: words where the grammar takes them, characters where it takes none of ours."""
    words = tuple(word for word in _LABELS if isa.is_label(word))
    return words or tuple(c for c in _ASCII if isa.is_label(c))


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
