"""What people write instead of mnemonics: synonyms, signs, other machines' names. No logic.

In: nothing. Out: tables by mnemonic, apart from the code that draws from them. Their order is
part of what a seed means.
"""

from collections.abc import Mapping

__all__ = ["INFIX_SIGNS", "OTHER_OPERATIONS", "STEP_SIGNS", "SYNONYMS"]

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "MOV": ("MOVE", "LD", "LDI", "LI", "LOAD", "SET", "COPY"),
    "ADD": ("PLUS", "ADDU"),
    "SUB": ("SUBTRACT",),
    "MUL": ("MULT", "MULTIPLY", "IMUL"),
    "INC": ("INCR", "INCREMENT"),
    "DEC": ("DECR", "DECREMENT"),
    "CMP": ("COMPARE",),
    "JMP": ("JUMP", "GOTO", "BRA", "B", "J"),
    "JZ": ("JE", "JEQ", "BEQ", "BZ"),
    "JNZ": ("JNE", "BNE", "BNZ"),
    "JS": ("BMI", "JMI"),
    "JNS": ("BPL", "JPL"),
    "HALT": ("HLT", "STOP"),
    "NOP": ("NOOP",),
}
INFIX_SIGNS: Mapping[str, str] = {"ADD": "+", "SUB": "-", "MUL": "*"}
STEP_SIGNS: Mapping[str, str] = {"INC": "++", "DEC": "--"}
# Operations of other machines. Those one edit from a mnemonic are left out: a typo and another
# machine's operation look the same there, and neither reading is drawn.
OTHER_OPERATIONS: tuple[str, ...] = tuple(
    "xor push pop call ret div idiv jg jl jge jle ja jb jc jnc test lea xchg int out str ldr "
    "swap shl shr sal rol ror neg or andi xori addi subi slt sll srl beqz jr jal syscall iret "
    "sti cli movsx cmov bswap loope bgt blt bge ble tst teq mvn rsb orr eor stm ldm swi mfhi "
    "lui sw lw sb lb adc sbc sbb bic clz fadd fmul sqrt abs max min print read write".split()
)
