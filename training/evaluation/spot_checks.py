"""The built-in checks: a few instructions whose decoding everybody can judge by eye.

In: a decoder. Out: how many of the expected answers it gives. The seven of the first
training report, and an extended list.
"""

from collections.abc import Iterable

from kvrm_grammar.decoding.decoder import Decoder

__all__ = ["BUILT_IN_CHECKS", "EXTENDED_CHECKS", "failed_checks"]

BUILT_IN_CHECKS: tuple[tuple[str, str], ...] = (
    ("MOV R3, 42", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R3","value":42}}'),
    ("ADD R0, R1, R2", '{"key":"OP_ADD","params":{"dest":"R0","src1":"R1","src2":"R2"}}'),
    ("CMP R3, R4", '{"key":"OP_CMP","params":{"src1":"R3","src2":"R4"}}'),
    ("JMP loop", '{"key":"OP_JMP","params":{"addr":"loop"}}'),
    ("HALT", '{"key":"OP_HALT","params":{}}'),
    ("sub r5 r3 r1", '{"key":"OP_SUB","params":{"dest":"R5","src1":"R3","src2":"R1"}}'),
    ("FOO R1, R2", '{"key":"OP_INVALID","params":{}}'),
)

EXTENDED_CHECKS: tuple[tuple[str, str], ...] = (
    ("INC R1", '{"key":"OP_INC","params":{"dest":"R1"}}'),
    ("dec r7", '{"key":"OP_DEC","params":{"dest":"R7"}}'),
    ("JS negative", '{"key":"OP_JS","params":{"addr":"negative"}}'),
    ("JNS positive", '{"key":"OP_JNS","params":{"addr":"positive"}}'),
    ("JZ done", '{"key":"OP_JZ","params":{"addr":"done"}}'),
    ("jnz Loop_2", '{"key":"OP_JNZ","params":{"addr":"Loop_2"}}'),
    ("ADD R4, R5, R6", '{"key":"OP_ADD","params":{"dest":"R4","src1":"R5","src2":"R6"}}'),
    ("MUL R2 R2 R3", '{"key":"OP_MUL","params":{"dest":"R2","src1":"R2","src2":"R3"}}'),
    ("MOV R1, R6", '{"key":"OP_MOV_REG_REG","params":{"dest":"R1","src":"R6"}}'),
    ("MOV R0, -5", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R0","value":-5}}'),
    ("MOV R2, 0xFF", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R2","value":255}}'),
    ("MOV R2, #0x10", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R2","value":16}}'),
    ("mov r3, 0b101", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R3","value":5}}'),
    ("MOV R4, 'A'", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R4","value":65}}'),
    ("MOV R7, 2147483647", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R7","value":2147483647}}'),
    ("MOV R7, 2147483648", '{"key":"OP_INVALID","params":{}}'),
    ("JMP 16", '{"key":"OP_JMP","params":{"addr":16}}'),
    ("JMP .L3", '{"key":"OP_JMP","params":{"addr":".L3"}}'),
    ("NOP ; nothing to do", '{"key":"OP_NOP","params":{}}'),
    ("start: MOV R1, 10 // ten", '{"key":"OP_MOV_REG_IMM","params":{"dest":"R1","value":10}}'),
    ("ADD R1, R2", '{"key":"OP_INVALID","params":{}}'),
    ("HALT R1", '{"key":"OP_INVALID","params":{}}'),
    ("CMP R1, 10", '{"key":"OP_INVALID","params":{}}'),
    ("MOV R8, 1", '{"key":"OP_INVALID","params":{}}'),
    ("JMP R3", '{"key":"OP_INVALID","params":{}}'),
    ("MOVE R1, 2", '{"key":"OP_INVALID","params":{}}'),
)


def failed_checks(
    decoder: Decoder, checks: Iterable[tuple[str, str]]
) -> list[tuple[str, str, str | None]]:
    """Decode each check's text.

    Returns:
        Text, expected and actual JSON of every check that failed.
    """
    pairs = list(checks)
    answers = decoder.decode_many([text for text, _ in pairs])
    return [
        (text, expected, answer.json)
        for (text, expected), answer in zip(pairs, answers, strict=True)
        if answer.json != expected
    ]
