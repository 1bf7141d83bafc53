"""The machine and an independent interpreter agree on programs drawn at random."""

import json
from collections import Counter
from random import Random

from benchmarks.programs import draw_program, draw_registers
from kvrm_grammar.errors import CycleLimitError, JumpError
from kvrm_grammar.isa import State, operation_to_json
from kvrm_grammar.machine import Machine, steps
from kvrm_grammar.oracle.program import Program, parse_program
from tests.machine.independent import Ending, interpret

PROGRAMS = 2_000
LIMIT = 60


def _seen(state: State) -> tuple[tuple[int, ...], int, int, int]:
    numbers = tuple(state.registers[f"R{n}"] for n in range(8))
    return numbers, state.flags["Z"], state.flags["S"], state.counter


def _executed(program: Program, registers: list[int]) -> tuple[Ending, list[dict[str, int]]]:
    """What the machine does, as the interpreter tells it, and what each step says it changed."""
    machine = Machine(program)
    state = machine.start({f"R{n}": number for n, number in enumerate(registers)})
    states, changed, how = [_seen(state)], [], ""
    try:
        for one in steps(machine, state, max_cycles=LIMIT):
            assert one.before == state and one.flags == one.after.flags
            state = one.after
            states.append(_seen(state))
            changed.append(dict(one.changed))
        how = "end" if state.counter == machine.end else "halt"
    except CycleLimitError:
        how = "limit"
    except JumpError:
        how = "outside"
    return Ending(how, states), changed


def test_the_machine_agrees_with_an_independent_interpreter() -> None:
    """States, changes and endings are the same, step for step, for every kind of ending."""
    random = Random(20_260_614)
    endings: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    for _ in range(PROGRAMS):
        source, registers = "\n".join(draw_program(random)), draw_registers(random)
        program = parse_program(source)
        texts = [operation_to_json(one.operation) for one in program.instructions]
        expected = interpret([json.loads(text) for text in texts], registers, LIMIT)
        found, changed = _executed(program, registers)
        assert found == expected, source
        assert changed == [
            {
                f"R{n}": new
                for n, (old, new) in enumerate(zip(a[0], b[0], strict=True))
                if old != new
            }
            for a, b in zip(expected.states, expected.states[1:], strict=False)
        ]
        endings[found.how] += 1
        keys.update(json.loads(text)["key"] for text in texts)
    assert min(endings[how] for how in ("halt", "end", "limit", "outside")) >= PROGRAMS // 50
    assert len(keys) == 15 and min(keys.values()) >= PROGRAMS // 10
