"""Keys, operand names and their order: what stands between the values of every answer.

In: a set and the automaton of its answers. Out: a :class:`Comparison` that proves them, and by
opcode and operand the states in which a value begins, where values are compared.
"""

import json

from kvrm_grammar.agreement.report import Comparison
from kvrm_grammar.isa import InstructionSet
from kvrm_grammar.language.automaton import Automaton

__all__ = ["Starts", "compare_frames"]

Starts = dict[tuple[str, str], tuple[int, ...]]
"""By key and operand the states before its value."""

_OPENING, _PARAMS = '{"key":"', ',"params":{'
_QUOTE, _BEHIND = ord('"'), frozenset(map(ord, ",}"))
_DIGITS = frozenset(map(ord, "0123456789"))


def compare_frames(isa: InstructionSet, automaton: Automaton) -> tuple[Comparison, Starts]:
    """Prove that an answer is a known key with its own operands, each once, in order.

    Args:
        isa: The set.
        automaton: Of its answers.

    Returns:
        The comparison, and where values begin.
    """
    problems: list[str] = []
    start = _forced(automaton, {automaton.initial}, _OPENING, "the beginning", problems)
    keys = {key: state for first in start for key, state in _words(automaton, first).items()}
    for key in sorted(keys.keys() ^ {*isa.keys}):
        problems.append(f"the key {key} is in one of schema and automaton only")
    starts: Starts = {}
    for key in sorted(keys.keys() & {*isa.keys}):
        # One key may begin another, so the quote alone is not forced.
        states = _forced(automaton, {automaton.steps[keys[key]][_QUOTE]}, _PARAMS, key, problems)
        operands = isa.by_key[key].operands if key in isa.by_key else ()
        beside: frozenset[int] = frozenset()
        for place, operand in enumerate(operands):
            text = f"{',' if place else ''}{json.dumps(operand.name)}:"
            at = f"{key}.{operand.name}"
            states = _forced(automaton, states, text, at, problems, beside)
            starts[key, operand.name] = tuple(sorted(states))
            states = {after for one in states for after in _after_value(automaton, one)}
            # A number may go on; with which digits, the numerals are compared for.
            beside = frozenset() if operand.domain.integers is None else _DIGITS
        states = _forced(automaton, states, "}}", f"{key}, its end", problems, beside)
        if any(automaton.steps[state] or state not in automaton.finals for state in states):
            problems.append(f"{key}: an answer may go on after its end")
    return Comparison("keys and operands of answers", len(keys), True, tuple(problems)), starts


def _forced(
    automaton: Automaton,
    states: set[int],
    text: str,
    place: str,
    problems: list[str],
    beside: frozenset[int] = frozenset(),
) -> set[int]:
    """Follow a text that must be all that is allowed, but for some bytes beside its first."""
    for byte in text.encode():
        if any(automaton.steps[state].keys() - beside != {byte} for state in states):
            problems.append(f"{place}: something else than {text!r} may follow")
        states = {after for one in states if (after := automaton.steps[one].get(byte)) is not None}
        beside = frozenset()
    if not states:
        problems.append(f"{place}: {text!r} cannot follow")
    return states


def _words(automaton: Automaton, state: int) -> dict[str, int]:
    """All words up to a quote, and the state before it; keys are few."""
    found: dict[str, int] = {}
    pending = [(state, b"")]
    while pending:
        here, written = pending.pop()
        for byte, after in automaton.steps[here].items():
            if byte == _QUOTE:
                found[written.decode("utf-8", "replace")] = here
            elif len(written) < 1024:
                pending.append((after, written + bytes([byte])))
    return found


def _after_value(automaton: Automaton, state: int) -> set[int]:
    """The states in which the value that begins here is complete."""
    found: set[int] = set()
    pending = [(state, False)]
    seen = {(state, False)}
    while pending:
        here, is_text = pending.pop()
        for byte, after in automaton.steps[here].items():
            if byte == _QUOTE and is_text:
                found.add(after)
            elif byte in _BEHIND and not is_text:
                found.add(here)
            elif (reached := (after, is_text or byte == _QUOTE)) not in seen:
                seen.add(reached)
                pending.append(reached)
    return found
