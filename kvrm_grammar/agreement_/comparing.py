"""Whether grammar, schemas and automaton of a set have one language.

In: a bound set, and its cases. Out: a :class:`Report`: what was compared, whether that proves it
or only probes it, and every disagreement; and the sizes that a set's author wants to know.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from outlines_core import Index, Vocabulary

from kvrm_grammar.dialects.strict import strict_mentions
from kvrm_grammar.errors import LineTooLongError, OperationError
from kvrm_grammar.isa import InstructionSet, Operand, operation_to_json
from kvrm_grammar.isa.sampling import boundary_values, draw_text
from kvrm_grammar.isa.schemas import key_of, params_class, schema_accepts
from kvrm_grammar.language.candidates import Candidates
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.index import count_states
from kvrm_grammar.oracle.reference import explain

__all__ = ["Comparison", "Report", "compare"]

_SAMPLES = 2000
_MOST_NAMES = 10_000
# What ends a whole word needs nothing behind it: at the end of a match it is always true.
_END = re.compile(r"\(\?!\[(?:\\.|[^\]])*\]\)(?=\)*$)")


@dataclass(frozen=True)
class Comparison:
    """One comparison. Immutable.

    Attributes:
        what: Of what.
        count: Texts or values that were looked at.
        is_proof: Whether they are all there are; else they are those at the boundaries.
        problems: Every disagreement, one sentence each.
    """

    what: str
    count: int
    is_proof: bool
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """All comparisons, and the sizes of a set. Immutable.

    Attributes:
        comparisons: In the order in which they were made.
        states: Of the automaton over single bytes.
        longest_answer: Bytes of the longest answer.
        largest_language: Members of the largest grounded language met, of those that mentions
            close; the others go on as the schema allows.
    """

    comparisons: tuple[Comparison, ...]
    states: int
    longest_answer: int
    largest_language: int

    @property
    def problems(self) -> tuple[str, ...]:
        """Every disagreement."""
        return tuple(problem for one in self.comparisons for problem in one.problems)


def compare(
    isa: InstructionSet, cases: Iterable[Mapping[str, Any]] = (), *, seed: int = 0
) -> Report:
    """Compare every source of a set with every other.

    Args:
        isa: The set.
        cases: ``text`` and ``answer`` of each.
        seed: Of what is drawn.

    Returns:
        The report.

    Raises:
        ConstraintError: The schemas' language cannot be compiled.
        TokenIndexError: It has too many states.
    """
    constraint = build_constraint(isa)
    pattern = re.compile(constraint.regex)
    comparisons = [_cases(isa, cases), *_names(isa), _integers(isa, pattern), _labels(isa, pattern)]
    drawn, largest = _drawn(isa, pattern, Random(seed))
    states = count_states(constraint)
    return Report((*comparisons, drawn), states, constraint.max_length, largest)


def _cases(isa: InstructionSet, cases: Iterable[Mapping[str, Any]]) -> Comparison:
    problems, count = [], 0
    for case in cases:
        count += 1
        try:
            verdict = explain(str(case["text"]), isa)
        except LineTooLongError as error:
            problems.append(f"{case['text']!r:.60}: {error}")
            continue
        found = json.loads(operation_to_json(verdict.operation))
        if found != case["answer"]:
            why = f" ({verdict.reason})" if verdict.reason else ""
            problems.append(f"{case['text']!r} means {json.dumps(found)}{why}")
    return Comparison("cases", count, False, tuple(problems))


def _names(isa: InstructionSet) -> Iterator[Comparison]:
    """Every word that the grammar takes for an operand of names alone, and what it means."""
    operands = (operand for opcode in isa.opcodes for operand in opcode.operands)
    only = {o.pattern.pattern: o for o in operands if o.domain.names and _is_names_alone(o)}
    for operand in only.values():
        words = _finite_language(operand.pattern.pattern)
        if words is None:
            yield Comparison(f"names of {operand.name}", len(operand.spellings), False, ())
            continue
        strange = sorted(words ^ {word for word, _ in operand.spellings})
        problems = tuple(f"{word!r} is no known spelling of {operand.name}" for word in strange)
        yield Comparison(f"names of {operand.name}", len(words), True, problems)


def _is_names_alone(operand: Operand) -> bool:
    return operand.domain.integers is None and not operand.domain.has_labels


def _finite_language(pattern: str) -> set[str] | None:
    """All texts of an expression; None where there are too many, or lookaround decides."""
    plain = _END.sub("", pattern)
    if "(?=" in plain or "(?!" in plain or "(?<" in plain:
        return None
    try:
        index = Index(plain, Vocabulary(0, {bytes([byte]): [byte + 1] for byte in range(256)}))
    except ValueError:
        return None
    found: set[str] = set()
    pending = [(index.get_initial_state(), b"")]
    while pending:
        state, written = pending.pop()
        if index.is_final_state(state):
            found.add(written.decode("utf-8", "replace"))
        if len(found) + len(pending) > _MOST_NAMES or len(written) > 64:
            return None
        for token in index.get_allowed_tokens(state) or ():
            following = index.get_next_state(state, token) if token else None
            if following is not None:
                pending.append((following, written + bytes([token - 1])))
    return found


def _answers(
    isa: InstructionSet, operand: Operand, values: Iterable[object]
) -> Iterator[tuple[object, bool, str]]:
    """Each value, whether the schema takes it, and the answer that would hold it."""
    params = {key_of(model): params_class(model) for model in isa.models}
    opcode = next(o for o in isa.opcodes if operand in o.operands)
    usual = {o.name: _usual(o, isa) for o in opcode.operands}
    for value in values:
        text = json.dumps(
            {"key": opcode.key, "params": {**usual, operand.name: value}}, separators=(",", ":")
        )
        yield value, schema_accepts(params[opcode.key], operand.name, value), text


def _usual(operand: Operand, isa: InstructionSet) -> object:
    domain = operand.domain
    if domain.names:
        return domain.names[0]
    if domain.integers is not None:
        return domain.integers.low
    return next(c for c in map(chr, range(128)) if isa.is_label(c))


def _integers(isa: InstructionSet, pattern: re.Pattern[str]) -> Comparison:
    problems, count = [], 0
    for operand in _by_domain(isa):
        integers = operand.domain.integers
        for value, taken, text in _answers(isa, operand, boundary_values(operand.domain)):
            count += 1
            member = integers is not None and int(str(value)) in integers
            if not (taken == member == bool(pattern.fullmatch(text))):
                problems.append(f"{operand.name} = {value}: schema and automaton disagree")
            if member and not operand.pattern.fullmatch(str(value)):
                problems.append(f"{operand.name} = {value} cannot be written in decimal")
    return Comparison("integers at the ends of every range", count, False, tuple(problems))


def _labels(isa: InstructionSet, pattern: re.Pattern[str]) -> Comparison:
    problems, count = [], 0
    for operand in (operand for operand in _by_domain(isa) if operand.domain.has_labels):
        for value, taken, text in _answers(isa, operand, _label_probes(isa, operand)):
            count += 1
            grammar = isa.is_label(str(value))
            if not (taken == grammar == bool(pattern.fullmatch(text))):
                problems.append(f"label {value!r}: grammar, schema and automaton disagree")
    return Comparison("labels at every boundary", count, False, tuple(problems))


def _label_probes(isa: InstructionSet, operand: Operand) -> Iterator[str]:
    """All words of up to three characters of a few, near names, and the longest ones."""
    letters = sorted({word[0] for word in isa.spellings} | {"a", "Z"})[:6]
    alphabet = [*letters, "0", "9", "_", ".", "$", "-"]
    for length in (0, 1, 2, 3):
        yield from map("".join, product(alphabet, repeat=length))
    for word in isa.spellings:
        yield from (word, word.upper(), word[:-1], word + "0", word + "_", "_" + word)
    longest = operand.domain.label_max_length or 0
    yield from ("a" * n for n in (longest - 1, longest, longest + 1))


def _by_domain(isa: InstructionSet) -> list[Operand]:
    """One operand for each domain."""
    operands = (operand for opcode in isa.opcodes for operand in opcode.operands)
    return list({operand.domain: operand for operand in operands}.values())


def _drawn(isa: InstructionSet, pattern: re.Pattern[str], rng: Random) -> tuple[Comparison, int]:
    """Drawn instructions: read back, in the automaton, and in their own grounded language."""
    candidates, problems, largest = Candidates(isa), list[str](), 1
    for _ in range(_SAMPLES):
        text, operation = draw_text(rng, isa)
        answer = operation_to_json(operation)
        if explain(text, isa).operation != operation:
            problems.append(f"{text!r} was written for {answer}, and is read otherwise")
        if not pattern.fullmatch(answer) or _differs(isa, pattern, answer, rng):
            problems.append(f"near {answer} schema and automaton disagree")
        whole, beginnings = candidates.of(strict_mentions(text, isa))
        if answer not in whole and not any(answer.startswith(one) for one in beginnings):
            problems.append(f"{text!r}: grounding has lost {answer}")
        if not beginnings:
            largest = max(largest, len(whole))
    what = "instructions drawn at random"
    return Comparison(what, _SAMPLES, False, tuple(dict.fromkeys(problems))), largest


def _differs(isa: InstructionSet, pattern: re.Pattern[str], answer: str, rng: Random) -> bool:
    """Whether an edited answer is in one of the two languages alone."""
    place = rng.randrange(len(answer))
    edited = answer[:place] + rng.choice('0189-"aR{},: ') + answer[place + rng.randint(0, 1) :]
    try:
        canonical = operation_to_json(isa.parse_json(edited)) == edited
    except OperationError:
        canonical = False
    return canonical != bool(pattern.fullmatch(edited))
