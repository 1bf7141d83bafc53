"""Labels at every boundary: grammar, schema and automaton asked for the same words.

In: a set, and the automaton of its answers with the states before each value. Out: a comparison by
probing: a label's terminal has lookaround, which no automaton of the same kind can hold.
"""

import json
from collections.abc import Iterator
from itertools import product

from kvrm_grammar.agreement.report import Comparison
from kvrm_grammar.isa import Domain, InstructionSet, Operand
from kvrm_grammar.isa.schemas import key_of, params_class, schema_accepts
from kvrm_grammar.language.automaton import Automaton

__all__ = ["compare_labels", "label_probes"]

_ASCII = tuple(map(chr, range(128)))
# Beyond ASCII: Latin-1, letters whose case folds to ASCII, digits of other scripts, wide and
# astral characters, and what a reader cannot see.
_BEYOND = (*map(chr, range(0xA0, 0x100)), *"\u017f\u212a\u0131\u0661\uff21\uff10\u200b\u2028\ufeff")
_FOREIGN = (*_BEYOND, "\U0001d7d8", "\U0001f600")
_MOST_REPRESENTATIVES = 16


def compare_labels(
    isa: InstructionSet, automaton: Automaton, states: dict[Domain, tuple[int, ...]]
) -> Iterator[Comparison]:
    """For each domain with labels, one comparison."""
    params = {key_of(model): params_class(model) for model in isa.models}
    seen: set[Domain] = set()
    for opcode in isa.opcodes:
        for operand in opcode.operands:
            if operand.domain.has_labels and operand.domain not in seen:
                seen.add(operand.domain)
                yield _compared(isa, operand, params[opcode.key], automaton, states)


def _compared(
    isa: InstructionSet,
    operand: Operand,
    params: object,
    automaton: Automaton,
    states: dict[Domain, tuple[int, ...]],
) -> Comparison:
    problems: list[str] = []
    probes = dict.fromkeys(label_probes(isa, operand))
    for probe in probes:
        in_grammar = isa.is_label(probe)
        wanted = in_grammar or probe in operand.domain.names
        sides = {"grammar": wanted, "schema": schema_accepts(params, operand.name, probe)}
        answer = json.dumps(probe, ensure_ascii=False)
        for state in states[operand.domain]:
            sides["automaton"] = automaton.follow(state, answer) is not None
            if len({*sides.values()}) > 1:
                told = ", ".join(f"{'' if yes else 'not '}in the {s}" for s, yes in sides.items())
                problems.append(f"label {probe!r} for {operand.name}: {told}")
        if in_grammar and not operand.pattern.fullmatch(probe):
            problems.append(f"label {probe!r} cannot be written as {operand.name}")
    what = f"labels for {operand.name}"
    return Comparison(what, len(probes), False, tuple(dict.fromkeys(problems)))


def label_probes(isa: InstructionSet, operand: Operand) -> Iterator[str]:
    """Words at the boundaries of a set's labels.

    Every character first, last, between and alone; all words of up to three representatives of the
    kinds of characters; reserved names and what is one edit from them; every length.

    Args:
        isa: The set.
        operand: One that takes labels.
    """
    plain = _plain(isa)
    for c in (*_ASCII, *_FOREIGN):
        yield from (c, plain + c, c + plain, plain + c + plain)
    some = _representatives(isa, plain)
    for length in (0, 1, 2, 3):
        yield from map("".join, product(some, repeat=length))
    longest = operand.domain.label_max_length or 0
    for word in isa.spellings:
        yield from (word, word.upper(), word.lower(), word.swapcase(), word.capitalize())
        yield from (word[:place] + word[place + 1 :] for place in range(len(word)))
        for place, c in product(range(len(word) + 1), some):
            yield from (word[:place] + c + word[place:], word[:place] + c + word[place + 1 :])
        yield from (word + plain * (longest - len(word) + more) for more in (-1, 0, 1))
    yield from (plain * length for length in range(longest + 3))


def _plain(isa: InstructionSet) -> str:
    """A character that is a label, and goes on in one."""
    alone = [c for c in _ASCII if isa.is_label(c)]
    return next((c for c in alone if isa.is_label(c + c)), alone[0])


def _representatives(isa: InstructionSet, plain: str) -> list[str]:
    """One character of each kind; those that names are written with are kinds of their own."""
    own = dict.fromkeys(c for word in isa.spellings for c in (word[0], *word))
    kinds: dict[object, str] = {}
    for c in (plain, *_ASCII):
        alone, behind = isa.is_label(c), isa.is_label(plain + c)
        kinds.setdefault((alone, behind, c.isdigit(), c.isupper(), c in own), c)
    return list(dict.fromkeys((*kinds.values(), *own)))[:_MOST_REPRESENTATIVES]
