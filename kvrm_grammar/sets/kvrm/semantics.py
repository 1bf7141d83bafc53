"""What KVRM's operations do.

In: the schemas. Out: ``SEMANTICS``: eight registers of 32 bits in two's complement, the flags Z
(the last result was 0) and S (it was negative), and the effect of each operation. Results wrap
around; the flags are those of the result that is kept. Moves and jumps leave the flags alone.
"""

from collections.abc import Callable, Mapping
from operator import add, mul, sub
from typing import Any, get_args

from kvrm_grammar.isa.domains import Integers
from kvrm_grammar.isa.semantics import Effect, Semantics, State
from kvrm_grammar.sets.kvrm.operands import LEAST, MOST, Register
from kvrm_grammar.sets.kvrm.operations import Addr, Dest, DestSrc, DestSrcSrc, DestValue, SrcSrc

__all__ = ["SEMANTICS"]

_ZERO, _SIGN = "Z", "S"


def _wrapped(number: int) -> int:
    """The number of 32 bits in two's complement that agrees with ``number`` modulo 2**32."""
    return (number - LEAST) % (MOST - LEAST + 1) + LEAST


def _flags(result: int) -> Mapping[str, int]:
    return {_ZERO: int(result == 0), _SIGN: int(result < 0)}


def _kept(register: str, number: int) -> Effect:
    result = _wrapped(number)
    return Effect({register: result}, _flags(result))


def _move_immediate(params: DestValue, _: State) -> Effect:
    return Effect({params.dest: params.value})


def _move_register(params: DestSrc, state: State) -> Effect:
    return Effect({params.dest: state.registers[params.src]})


def _of_two(compute: Callable[[int, int], int]) -> Callable[[DestSrcSrc, State], Effect]:
    def effect(params: DestSrcSrc, state: State) -> Effect:
        left, right = state.registers[params.src1], state.registers[params.src2]
        return _kept(params.dest, compute(left, right))

    return effect


def _by(difference: int) -> Callable[[Dest, State], Effect]:
    def effect(params: Dest, state: State) -> Effect:
        return _kept(params.dest, state.registers[params.dest] + difference)

    return effect


def _compare(params: SrcSrc, state: State) -> Effect:
    difference = state.registers[params.src1] - state.registers[params.src2]
    return Effect(flags=_flags(_wrapped(difference)))


def _jump(params: Addr, _: State) -> Effect:
    assert isinstance(params.addr, int)  # labels of a program are addresses
    return Effect(jump=params.addr)


def _jump_if(flag: str, wanted: int) -> Callable[[Addr, State], Effect]:
    def effect(params: Addr, state: State) -> Effect:
        return _jump(params, state) if state.flags[flag] == wanted else Effect()

    return effect


def _halt(_: Any, __: State) -> Effect:
    return Effect(halts=True)


def _nothing(_: Any, __: State) -> Effect:
    return Effect()


SEMANTICS = Semantics(
    registers=get_args(Register),
    flags=(_ZERO, _SIGN),
    values=Integers(LEAST, MOST),
    effects={
        "OP_MOV_REG_IMM": _move_immediate,
        "OP_MOV_REG_REG": _move_register,
        "OP_ADD": _of_two(add),
        "OP_SUB": _of_two(sub),
        "OP_MUL": _of_two(mul),
        "OP_INC": _by(1),
        "OP_DEC": _by(-1),
        "OP_CMP": _compare,
        "OP_JMP": _jump,
        "OP_JZ": _jump_if(_ZERO, 1),
        "OP_JNZ": _jump_if(_ZERO, 0),
        "OP_JS": _jump_if(_SIGN, 1),
        "OP_JNS": _jump_if(_SIGN, 0),
        "OP_HALT": _halt,
        "OP_NOP": _nothing,
    },
)
"""What each operation does to registers, flags and program counter."""
