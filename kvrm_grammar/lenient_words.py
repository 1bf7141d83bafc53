"""What people write instead of mnemonics: synonyms, signs, phrases. Word lists, no logic.

In: nothing. Out: tables by mnemonic or opcode, apart from the code that draws from them. Their
order is part of what a seed means. In a phrase ``[a|b]`` is a choice, ``{name}`` an operand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "CONDITION_SYNONYMS",
    "HELD_OUT_LEXICON",
    "INFIX_SIGNS",
    "KEYWORDS",
    "OTHER_OPERATIONS",
    "STEP_SIGNS",
    "SYNONYMS",
    "TRAINING_LEXICON",
    "Lexicon",
]

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
CONDITION_SYNONYMS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # Training, held out. Behind "if" or "when".
    "JZ": (
        (
            "zero",
            "it is zero",
            "the result is zero",
            "equal",
            "the zero flag is set",
            "they are equal",
            "they match",
            "the result was zero",
        ),
        (
            "it equals zero",
            "zero is set",
            "both are equal",
            "nothing is left",
            "the outcome is zero",
        ),
    ),
    "JNZ": (
        (
            "not zero",
            "nonzero",
            "it is not zero",
            "the result is not zero",
            "not equal",
            "the zero flag is clear",
            "they differ",
            "they are not equal",
        ),
        (
            "it is different from zero",
            "unequal",
            "zero is not set",
            "the outcome is not zero",
            "both are different",
        ),
    ),
    "JS": (
        (
            "negative",
            "it is negative",
            "the result is negative",
            "the sign flag is set",
            "minus",
            "below zero",
            "less than zero",
            "the sign is set",
        ),
        ("it is below zero", "the outcome is negative", "it went negative", "smaller than zero"),
    ),
    "JNS": (
        (
            "not negative",
            "it is not negative",
            "the result is not negative",
            "positive or zero",
            "the sign flag is clear",
            "zero or more",
            "at least zero",
            "the sign is clear",
        ),
        ("it is zero or above", "the outcome is not negative", "not below zero", "no sign is set"),
    ),
}


@dataclass(frozen=True)
class Lexicon:
    """What one side, training or evaluation, may say. Immutable.

    Attributes:
        phrases: Opcode without its ``OP_`` -> phrases; CLEAR writes a zero, and phrases with
            fewer registers than the opcode mean the first for the first two.
        conditions: Mnemonic of a conditional jump -> what stands behind "if".
        jumps: Verbs of jumping, each before a target.
        openings: What may stand before a phrase.
        closings: What may stand behind it.
    """

    phrases: Mapping[str, tuple[str, ...]]
    conditions: Mapping[str, tuple[str, ...]]
    jumps: tuple[str, ...]
    openings: tuple[str, ...]
    closings: tuple[str, ...]


_STORE = "[store|put|save|write|place] [it|the result|the total|]"
TRAINING_LEXICON = Lexicon(
    phrases={
        "MOV_REG_IMM": (
            "[put|place|store|write|load|stick] {value} [in|into] {dest}",
            "[set|change] {dest} to {value}",
            "[make|let] {dest} [equal|be] {value}",
            "assign {value} to {dest}",
            "{dest} [gets|becomes|takes|is now] {value}",
            "give {dest} the value {value}",
            "[load|fill|initialise|initialize|preset] {dest} with {value}",
            "[move|copy] [the value|the number|the constant|] {value} [into|to] {dest}",
            "set {dest} equal to {value}",
            "{value} into {dest}",
        ),
        "CLEAR": (
            "[clear|zero|reset|empty|zero out|clear out] {dest}",
            "[wipe|clean] {dest}",
            "[clear|reset] the [value|contents] of {dest}",
        ),
        "MOV_REG_REG": (
            "[copy|move|transfer] {src} [to|into] {dest}",
            "[put|store|place|write] {src} [in|into] {dest}",
            "[set|change] {dest} to {src}",
            "assign {src} to {dest}",
            "load {dest} [from|with] {src}",
            "[let|make] {dest} [be|equal] {src}",
            "{dest} [gets|becomes|takes] {src}",
            "[copy|move] the [value|contents|content] of {src} [to|into] {dest}",
            "make {dest} the same as {src}",
            "set {dest} [to the value of|equal to] {src}",
        ),
        "ADD": (
            "add {src1} and {src2} [into|in] {dest}",
            f"add {{src1}} [to|and|with] {{src2}}[,| and|, and|, then] {_STORE} in {{dest}}",
            "[put|store|place|write] {src1} plus {src2} [in|into] {dest}",
            "[set|change] {dest} to {src1} plus {src2}",
            "let {dest} be {src1} plus {src2}",
            "{dest} [gets|becomes|equals|is] {src1} plus {src2}",
            "[sum|add up|total] {src1} and {src2} into {dest}",
            "[store|put|save|write] the sum of {src1} and {src2} in {dest}",
            "[compute|calculate] {src1} plus {src2} [into|in] {dest}",
            "make {dest} the sum of {src1} and {src2}",
            "add {src1} and {src2}, result in {dest}",
            "increase {dest} by {src2}",
        ),
        "SUB": (
            f"subtract {{src2}} from {{src1}}[,| and|, and|, then] {_STORE} in {{dest}}",
            f"take {{src2}} [from|away from|off] {{src1}}[,| and|, and] {_STORE} in {{dest}}",
            "subtract {src2} from {src1} into {dest}",
            "deduct {src2} from {src1} into {dest}",
            "[put|store|place|write] {src1} minus {src2} [in|into] {dest}",
            "[set|change] {dest} to {src1} minus {src2}",
            "let {dest} be {src1} [minus|less] {src2}",
            "{dest} [gets|becomes|equals|is] {src1} minus {src2}",
            "[store|put|save|write] the difference of {src1} and {src2} in {dest}",
            "[compute|calculate] {src1} minus {src2} [into|in] {dest}",
            "decrease {dest} by {src2}",
        ),
        "MUL": (
            "multiply {src1} [by|and|with] {src2} [into|in] {dest}",
            f"multiply {{src1}} [by|and|with] {{src2}}[,| and|, and|, then] {_STORE} in {{dest}}",
            "[put|store|place|write] {src1} times {src2} [in|into] {dest}",
            "[set|change] {dest} to {src1} times {src2}",
            "let {dest} be {src1} times {src2}",
            "{dest} [gets|becomes|equals|is] {src1} times {src2}",
            "[store|put|save|write] the product of {src1} and {src2} in {dest}",
            "[compute|calculate] {src1} times {src2} [into|in] {dest}",
            "make {dest} the product of {src1} and {src2}",
        ),
        "INC": (
            "increment {dest}",
            "[increase|raise] {dest} by [one|1]",
            "add [one|1] to {dest}",
            "[bump|bump up|step up] {dest}",
            "count {dest} up",
            "[count up|count upward] {dest}",
        ),
        "DEC": (
            "decrement {dest}",
            "[decrease|reduce|lower] {dest} by [one|1]",
            "subtract [one|1] from {dest}",
            "take [one|1] [from|off] {dest}",
            "[bump down|step down] {dest}",
            "count {dest} down",
            "[count down|count downward] {dest}",
        ),
        "CMP": (
            "compare {src1} [with|to|and|against] {src2}",
            "[check|test] {src1} against {src2}",
            "[see|check] [if|whether] {src1} equals {src2}",
            "[check|see] [if|whether] {src1} and {src2} are equal",
            "compare the values of {src1} and {src2}",
        ),
        "JMP": (
            "[jump|go|branch|continue] to {addr}",
            "continue at {addr}",
            "[always|just] [jump|go] to {addr}",
            "jump unconditionally to {addr}",
            "transfer control to {addr}",
            "jump straight to {addr}",
        ),
        "HALT": (
            "[stop|halt|end] [the program|execution|here|now|the machine]",
            "[shut down|stop everything]",
            "end of program",
            "stop the [cpu|processor]",
        ),
        "NOP": (
            "do nothing",
            "no operation",
            "[wait|idle] [one|a] cycle",
            "just wait",
            "do nothing [here|at all|this time]",
            "no op",
        ),
    },
    conditions={name: known for name, (known, _) in CONDITION_SYNONYMS.items()},
    jumps=("jump to", "go to", "branch to", "continue at", "goto", "jump"),
    openings=("please ", "now ", "then ", "next, ", "first, ", "could you ", "and then "),
    closings=(" please", " now", " then", ", please", " for me"),
)
_KEEP = "[keep|leave] [it|the outcome|what comes out]"
HELD_OUT_LEXICON = Lexicon(
    phrases={
        "MOV_REG_IMM": (
            "save {value} [in|to] {dest}",
            "have {dest} hold {value}",
            "{dest} should [hold|contain] {value}",
            "drop {value} into {dest}",
            "make {dest} hold {value}",
            "write the constant {value} to {dest}",
            "bring {value} into {dest}",
        ),
        "CLEAR": (
            "[erase|blank|nullify] {dest}",
            "bring {dest} to zero",
            "set {dest} back to zero",
        ),
        "MOV_REG_REG": (
            "duplicate {src} [in|into] {dest}",
            "fill {dest} from {src}",
            "give {dest} the contents of {src}",
            "{dest} takes the value of {src}",
            "bring {src} over to {dest}",
            "have {dest} hold {src}",
        ),
        "ADD": (
            f"take {{src1}} plus {{src2}} and {_KEEP} in {{dest}}",
            "the sum of {src1} and {src2} goes [to|into] {dest}",
            "add together {src1} and {src2} and put the total in {dest}",
            "work out {src1} plus {src2} into {dest}",
            "have {dest} hold {src1} plus {src2}",
            "{src1} plus {src2} goes [in|into] {dest}",
        ),
        "SUB": (
            f"remove {{src2}} from {{src1}} and {_KEEP} in {{dest}}",
            "the difference of {src1} and {src2} goes [to|into] {dest}",
            "{src1} minus {src2} goes [in|into] {dest}",
            "work out {src1} minus {src2} into {dest}",
            "make {dest} the difference of {src1} and {src2}",
            f"subtract {{src2}} from {{src1}} and {_KEEP} in {{dest}}",
        ),
        "MUL": (
            f"take {{src1}} times {{src2}} and {_KEEP} in {{dest}}",
            "the product of {src1} and {src2} goes [to|into] {dest}",
            "{src1} times {src2} goes [in|into] {dest}",
            "work out {src1} times {src2} into {dest}",
            "have {dest} hold {src1} times {src2}",
        ),
        "INC": ("advance {dest} by one", "make {dest} one larger", "[move|push] {dest} up by one"),
        "DEC": ("make {dest} one smaller", "[move|push] {dest} down by one", "cut {dest} by one"),
        "CMP": (
            "match {src1} against {src2}",
            "do a comparison of {src1} and {src2}",
            "how does {src1} compare [to|with] {src2}",
            "look whether {src1} equals {src2}",
        ),
        "JMP": (
            "[proceed|skip|hop] to {addr}",
            "carry on at {addr}",
            "resume at {addr}",
            "in any case go to {addr}",
        ),
        "HALT": (
            "finish execution",
            "[stop running|terminate]",
            "end it here",
            "the program ends here",
        ),
        "NOP": ("[skip|pass] [this|one] cycle", "take no action", "spend a cycle"),
    },
    conditions={name: held for name, (_, held) in CONDITION_SYNONYMS.items()},
    jumps=("proceed to", "skip to", "carry on at", "hop to"),
    openings=("kindly ", "at this point ", "so ", "finally, ", "ok, "),
    closings=(" if you would", " at once", " thanks", ", thanks"),
)

# Where no first word names the operation: what a draft takes a sentence for. The first that occurs.
KEYWORDS: tuple[tuple[str, str], ...] = (
    (
        r"\+\+|\bincrement|\bcount\b.*\bup|\bup by one|\bone larger|\badd (?:one|1) |\bby (?:one|1)\b.*\bup",
        "INC",
    ),
    (
        r"--|\bdecrement|\bcount\b.*\bdown|\bdown by one|\bone smaller|\b(?:subtract|take) (?:one|1) ",
        "DEC",
    ),
    (r"\b(?:increase|raise|advance)\b.* by (?:one|1)\b|\bbump (?!down)|\bstep up", "INC"),
    (r"\b(?:decrease|reduce|lower|cut)\b.* by (?:one|1)\b|\bbump down|\bstep down", "DEC"),
    (r"\b(?:plus|add|sum|total|increase)\b|\+", "ADD"),
    (
        r"\b(?:minus|subtract|difference|deduct|less|decrease|remove|away|off)\b|-=|\w\s*-\s*r",
        "SUB",
    ),
    (r"\btake\b.*\bfrom\b", "SUB"),
    (r"\b(?:times|multiply|product)\b|\*", "MUL"),
    (
        r"\b(?:not zero|nonzero|not equal|unequal|differ|different)\b|zero flag is clear|zero is not set",
        "JNZ",
    ),
    (
        r"\bnot (?:negative|below)|or (?:zero|more|above)\b|at least zero|sign (?:flag )?is clear|no sign",
        "JNS",
    ),
    (r"\b(?:negative|minus|below|less than|smaller)\b|sign (?:flag )?is set", "JS"),
    (r"\b(?:if|when)\b", "JZ"),
    (r"\b(?:compare|comparison|check|test|match|see|equals)\b", "CMP"),
    (r"\b(?:jump|go|goto|branch|continue|control|proceed|skip to|hop|carry on|resume)\b", "JMP"),
    (r"\b(?:nothing|idle|wait|cycle|no op|no operation|no action|pass)\b", "NOP"),
    (r"\b(?:stop|halt|end|ends|shut|finish|terminate)\b", "HALT"),
    (
        r"=|<-|->|\b(?:put|place|store|write|load|stick|set|make|let|assign|gets|becomes|takes|give|fill)\b",
        "MOV",
    ),
    (
        r"\b(?:copy|move|transfer|clear|zero|reset|empty|wipe|clean|save|drop|bring|hold|contain|erase)\b",
        "MOV",
    ),
    (r"\b(?:into|initiali[sz]e|preset|duplicate|blank|nullify)\b", "MOV"),
)
