r"""The language of a set as a GBNF grammar, the notation of llama.cpp.

In: a bound set. Out: a grammar whose texts are exactly those of the constraint: a rule for all
operations, and rules for each domain of operands. The notation:
https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md. Names of rules have letters,
digits and dashes only, and signs that mean something in a class are ``\xNN``: all versions of
llama.cpp read that, and llguidance too.

llama.cpp follows all ways to read a text at once. So the rules of a domain are the states of its
smallest automaton: after any beginning there is one way on. The regular expression has an
alternative for each length of a label instead, which would be 64 ways.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from kvrm_grammar.isa import INVALID_KEY, Domain, InstructionSet
from kvrm_grammar.language.constraint import domain_regex
from kvrm_grammar.language.formats.minimal import State, minimal_states

__all__ = ["gbnf"]

_END = 0  # the place of the state behind a whole value
_IN_A_CLASS = frozenset("\\[]^-\"'")


@lru_cache(maxsize=16)
def gbnf(isa: InstructionSet) -> str:
    r"""Write the language of a set as a GBNF grammar.

    Args:
        isa: The bound instruction set.

    Returns:
        The grammar in ASCII, each rule on lines of its own. Its texts are those of
        :func:`~kvrm_grammar.language.constraint.build_constraint`.

    Raises:
        ConstraintError: Labels are beyond what can be expressed.

    >>> from kvrm_grammar.isa import load_set
    >>> print(gbnf(load_set()).splitlines()[1])
    root ::= "{\"key\":\"" operation "}"
    """
    names = {domain: f"domain-{number}" for number, domain in enumerate(isa.domains, start=1)}
    lines = [
        f"# {isa.name}: every operation as compact JSON",
        f'root ::= {_literal(_OPENING)} operation "}}"',
        "operation ::=\n  " + " |\n  ".join(_operations(isa, names)),
    ]
    for domain, name in names.items():
        lines.append(f"# {name}: {domain}".replace("…", " to "))
        lines += _rules(name, minimal_states(domain_regex(isa, domain)))
    return "".join(f"{line}\n" for line in lines).encode("ascii", "replace").decode()


_OPENING = '{"key":"'
_PARAMS = '","params":{'


def _operations(isa: InstructionSet, names: Mapping[Domain, str]) -> list[str]:
    """One alternative for all keys that have the same operands."""
    keys: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for opcode in isa.opcodes:
        operands = tuple((operand.name, names[operand.domain]) for operand in opcode.operands)
        keys.setdefault(operands, []).append(opcode.key)
    keys.setdefault((), []).append(INVALID_KEY)
    return [_operation(own, operands) for operands, own in keys.items()]


def _operation(keys: Sequence[str], operands: Sequence[tuple[str, str]]) -> str:
    if len(keys) > 1:
        parts, text = [f"({' | '.join(map(_literal, keys))})"], _PARAMS
    else:
        parts, text = list[str](), keys[0] + _PARAMS
    for name, rule in operands:
        parts += [_literal(f'{text}"{name}":'), rule]
        text = ","
    return " ".join([*parts, _literal("}" if operands else text + "}")])


def _rules(name: str, states: Sequence[State]) -> list[str]:
    """A rule for the first state and for each one with a choice; the others are written out."""
    start = len(states) - 1
    names = {
        place: f"{name}-{place}"
        for place, state in enumerate(states)
        if len(state.ways) > 1 or (state.ways and state.may_end)
    } | {start: name}
    rules = []
    for place in sorted(names, reverse=True):
        options = " | ".join(_option(way, states, names) for way in states[place].ways)
        is_optional = states[place].may_end
        rules.append(f"{names[place]} ::= " + (f"({options})?" if is_optional else options))
    return rules


def _option(
    way: tuple[tuple[int, ...], int], states: Sequence[State], names: Mapping[int, str]
) -> str:
    """What a way writes, up to the next state that has a rule, or to the end."""
    parts, literal = list[str](), ""
    codes, place = way
    while True:
        if len(codes) == 1:
            literal += chr(codes[0])
        else:
            parts += [*([_literal(literal)] if literal else []), _class(codes)]
            literal = ""
        if place == _END or place in names:
            break
        ((codes, place),) = states[place].ways
    parts += [_literal(literal)] if literal else []
    return " ".join([*parts, *([names[place]] if place != _END else [])])


def _class(codes: Sequence[int]) -> str:
    """One of several characters; runs of three or more are ranges."""
    pieces, rest = list[str](), list(codes)
    while rest:
        length = 1
        while length < len(rest) and rest[length] == rest[0] + length:
            length += 1
        run = [_in_class(chr(code)) for code in rest[:length]]
        pieces.append(f"{run[0]}-{run[-1]}" if length > 2 else "".join(run))
        rest = rest[length:]
    return f"[{''.join(pieces)}]"


def _in_class(character: str) -> str:
    is_plain = character.isprintable() and character not in _IN_A_CLASS
    return character if is_plain else f"\\x{ord(character):02X}"


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
