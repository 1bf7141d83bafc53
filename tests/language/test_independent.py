"""The independent automaton, compared with a list of all texts where there are few."""

from itertools import product

import pytest

from tests.language.independent import Oracle
from tests.language.tables import TABLES, Label, Operand, Table, Whole

ALPHABET = "01ab"
LABELS = {"".join(word) for n in (1, 2, 3) for word in product(ALPHABET, repeat=n)}
LABELS = {word for word in LABELS if word[0].isalpha()}
RULE = Label(3, frozenset({"ab", "aba", "b0"}), first="ab", rest=ALPHABET)


def accepted(operand: Operand, texts: set[str]) -> set[str]:
    """Which texts the automaton takes for an operand; the second one of two shows its end."""
    oracle = Oracle(Table({"OP_X": (("x", operand), ("y", operand)), "OP_XY": ()}))
    found = set()
    for text in texts:
        state = oracle.walk(f'{{"key":"OP_X","params":{{"x":{text},"y":{text}}}}}'.encode())
        if state is not None and oracle.accepts(state):
            found.add(text)
    return found


@pytest.mark.parametrize("low", [-1203, -100, -7, 0, 1, 7, 95])
@pytest.mark.parametrize("high", [-90, -1, 0, 3, 25, 100, 1011])
@pytest.mark.parametrize("step", [1, 2, 3, 8])
def test_numbers_are_those_of_the_range(low: int, high: int, step: int) -> None:
    """Of all decimals near the range, exactly its multiples, and none in another spelling."""
    texts = {str(n) for n in range(-1300, 1300)} | {"-0", "00", "007", "-", "", "+1", "1.0"}
    expected = {n for n in range(low, high + 1) if n % step == 0}
    assert accepted(Operand(whole=Whole(low, high, step)), texts) == {*map(str, expected)}


def test_labels_are_those_of_the_rule() -> None:
    """All words of three characters, with reserved names, with a reserved family, and with both."""
    texts = {f'"{word}"' for word in (*LABELS, "", "0", "abab", "c", "a-")}
    plain = accepted(Operand(label=Label(3, first="ab", rest=ALPHABET)), texts)
    assert plain == {f'"{word}"' for word in LABELS}
    reserved = accepted(Operand(label=RULE), texts)
    assert reserved == plain - {'"ab"', '"aba"', '"b0"'}
    family = accepted(Operand(label=Label(3, families="a", first="ab", rest=ALPHABET)), texts)
    assert plain - family == {f'"a{n}"' for n in ("0", "1", "00", "01", "10", "11")}


def test_unions_are_the_sum_of_their_parts() -> None:
    """A name, a number or a label: what one of the three takes."""
    parts = Operand(names=("ab", "b0", "zz")), Operand(whole=Whole(-3, 9)), Operand(label=RULE)
    texts = {f'"{word}"' for word in (*LABELS, "zz", "z")} | {str(n) for n in range(-20, 20)}
    union = Operand(("ab", "b0", "zz"), Whole(-3, 9), RULE)
    alone = [accepted(part, texts) for part in parts]
    assert all(alone)
    assert accepted(union, texts) == alone[0] | alone[1] | alone[2]


@pytest.mark.parametrize("name", TABLES)
def test_no_state_is_dead(name: str) -> None:
    """From every state that a text leads to, some text goes on to the end."""
    oracle = Oracle(TABLES[name])
    before: dict[object, set[object]] = {}
    seen, pending = {oracle.start}, [oracle.start]
    while pending:
        state = pending.pop()
        for byte in range(256):
            following = oracle.step(state, byte)
            if following is not None:
                before.setdefault(following, set()).add(state)
                if following not in seen:
                    seen.add(following)
                    pending.append(following)
    alive: set[object] = {state for state in seen if oracle.accepts(state)}
    found = list(alive)
    while found:
        new = before.get(found.pop(), set()) - alive
        alive |= new
        found += new
    assert len(seen) > 150
    assert alive == seen
