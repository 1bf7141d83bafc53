"""Names and integers: the words of the grammar, the schemas' values, the automaton's answers.

In: a set, and the automaton of its answers with the states before each value. Out: comparisons,
proofs wherever the values can be enumerated or counted in runs.
"""

import json
from collections.abc import Iterator

from kvrm_grammar.agreement.frames import Starts
from kvrm_grammar.agreement.numerals import Numerals
from kvrm_grammar.agreement.report import Comparison
from kvrm_grammar.agreement.words import finite_words
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import Domain, Form, InstructionSet, Integers, Opcode, Operand
from kvrm_grammar.isa.sampling import boundary_values, usual_value
from kvrm_grammar.isa.schemas import key_of, params_class, schema_accepts
from kvrm_grammar.language.automaton import Automaton
from kvrm_grammar.oracle.reference import explain

__all__ = ["compare_integers", "compare_names", "starts_by_domain"]

_MOST_LISTED = 2_000


def starts_by_domain(isa: InstructionSet, starts: Starts) -> dict[Domain, tuple[int, ...]]:
    """By domain all states in which one of its values begins."""
    found: dict[Domain, set[int]] = {}
    for opcode in isa.opcodes:
        for operand in opcode.operands:
            found.setdefault(operand.domain, set()).update(
                starts.get((opcode.key, operand.name), ())
            )
    return {domain: tuple(sorted(states)) for domain, states in found.items()}


def compare_names(
    isa: InstructionSet, automaton: Automaton, states: dict[Domain, tuple[int, ...]]
) -> Iterator[Comparison]:
    """Every word that the grammar takes for a name, and every name that is answered."""
    operands = {
        (operand.pattern.pattern, operand.domain): operand
        for opcode in isa.opcodes
        for operand in opcode.operands
        if operand.domain.names
    }
    for operand in operands.values():
        yield _words_of(operand)
        yield _answered_names(operand, automaton, states[operand.domain])


def _words_of(operand: Operand) -> Comparison:
    """Exactly the known spellings, where nothing but names can be written."""
    what, known = f"words for {operand.name}", {word for word, _ in operand.spellings}
    alone = operand.domain.integers is None and not operand.domain.has_labels
    words = finite_words(operand.pattern.pattern) if alone else None
    if words is None:
        lost = sorted(word for word in known if not operand.pattern.fullmatch(word))
        return Comparison(what, len(known), False, tuple(f"{word!r} is not taken" for word in lost))
    problems = [f"{word!r} is taken for {operand.name} and means no name" for word in words - known]
    problems += [f"{word!r} is a name of {operand.name} and is not taken" for word in known - words]
    return Comparison(what, len(words), True, tuple(sorted(problems)))


def _answered_names(operand: Operand, automaton: Automaton, states: tuple[int, ...]) -> Comparison:
    what, names = f"names answered for {operand.name}", operand.domain.names
    problems = [
        f"the automaton has no {operand.name} {name!r}"
        for name in names
        for state in states
        if automaton.follow(state, json.dumps(name)) is None
    ]
    if operand.domain.has_labels:
        return Comparison(what, len(names), False, tuple(problems))
    for state in states:
        after = automaton.steps[state].get(ord('"'))
        words = set[str]() if after is None else _words_up_to_quote(automaton, after)
        problems += [
            f"the automaton has a {operand.name} {word!r}" for word in sorted(words - {*names})
        ]
    return Comparison(what, len(names), True, tuple(problems))


def _words_up_to_quote(automaton: Automaton, state: int) -> set[str]:
    found, pending = set[str](), [(state, b"")]
    while pending and len(found) < _MOST_LISTED:
        here, written = pending.pop()
        for byte, after in automaton.steps[here].items():
            if byte == ord('"'):
                found.add(written.decode("utf-8", "replace"))
            elif len(written) < 256:
                pending.append((after, written + bytes([byte])))
    return found


def compare_integers(
    isa: InstructionSet, automaton: Automaton, states: dict[Domain, tuple[int, ...]]
) -> Iterator[Comparison]:
    """Integers of each domain: in the automaton all of them, in schema and parser the ends."""
    for domain in isa.domains:
        if domain.integers is not None:
            yield _answered_integers(domain.integers, automaton, states[domain])
            yield _read_integers(isa, domain, domain.integers)


def _count(integers: Integers) -> int:
    return integers.high // integers.step + -integers.low // integers.step + 1


def _shown(integers: Integers) -> str:
    step = f" in steps of {integers.step}" if integers.step > 1 else ""
    return f"integers {integers.low}…{integers.high}{step}"


def _answered_integers(
    integers: Integers, automaton: Automaton, states: tuple[int, ...]
) -> Comparison:
    numerals, problems = Numerals(automaton, integers.step), list[str]()
    for state in states:
        runs, wrong = numerals.integers(state)
        problems += wrong
        if runs != ((integers.low, integers.high),):
            some = ", ".join(f"{first}…{last}" for first, last in runs[:4]) or "none"
            problems.append(f"the automaton has the {_shown(integers)} as {some}")
    what = f"{_shown(integers)} in answers"
    return Comparison(what, _count(integers), True, tuple(dict.fromkeys(problems)))


def _read_integers(isa: InstructionSet, domain: Domain, integers: Integers) -> Comparison:
    """Every value, or those at the ends, through the schema, and written and read back."""
    is_small = _count(integers) <= _MOST_LISTED
    values = {*boundary_values(domain)}
    if is_small:
        values.update(range(integers.low, integers.high + 1, integers.step))
    params = {key_of(model): params_class(model) for model in isa.models}
    problems: list[str] = []
    for opcode, operand in _of_domain(isa, domain):
        for value in sorted(values):
            member = value in integers
            if schema_accepts(params[opcode.key], operand.name, value) != member:
                side = "refuses" if member else "takes"
                problems.append(f"the schema {side} {opcode.key}.{operand.name} = {value}")
            elif member:
                problems += _read_back(isa, opcode, operand, value)
    what = f"{_shown(integers)} written and read"
    return Comparison(what, len(values), is_small, tuple(dict.fromkeys(problems)))


def _of_domain(isa: InstructionSet, domain: Domain) -> Iterator[tuple[Opcode, Operand]]:
    for opcode in isa.opcodes:
        yield from ((opcode, operand) for operand in opcode.operands if operand.domain == domain)


def _read_back(isa: InstructionSet, opcode: Opcode, operand: Operand, value: int) -> Iterator[str]:
    """Write an integer in every form that writes it, and ask the parser what it means."""
    for form in opcode.forms:
        if operand.name in form.operands:
            text, params = _written(isa, opcode, form)
            words = dict(text)
            words[operand.name], params[operand.name] = str(value), value
            line = form.joined(form.mnemonic, words)
            try:
                read = explain(line, isa).operation
                wanted = isa.operation(opcode.key, params)
            except KvrmError as error:
                yield f"{line!r}: {error}"
                continue
            if read != wanted:
                yield f"{line!r} does not mean {opcode.key} with {operand.name} = {value}"


def _written(
    isa: InstructionSet, opcode: Opcode, form: Form
) -> tuple[dict[str, str], dict[str, str | int]]:
    """Usual words for the operands of a form, and what they mean."""
    params: dict[str, str | int] = dict(form.implied)
    words = {}
    for operand in opcode.operands:
        if operand.name in form.operands:
            value = params[operand.name] = usual_value(operand, isa)
            words[operand.name] = str(value)
    return words, params
