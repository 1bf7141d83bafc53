"""What people say instead of an instruction: phrases of English. Word lists, no logic.

In: nothing. Out: two lexicons, one for training and one held out for evaluation, apart from the
code that draws from them. Their order is part of what a seed means. In a phrase ``[a|b]`` is a
choice, ``{name}`` an operand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["HELD_OUT_LEXICON", "TRAINING_LEXICON", "Lexicon"]


def _list(text: str) -> tuple[str, ...]:
    """Items between bars."""
    return tuple(text.split(" | "))


def _phrases(text: str) -> tuple[str, ...]:
    """Phrases between double bars."""
    return tuple(text.split(" || "))


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


TRAINING_LEXICON = Lexicon(
    phrases={
        "MOV_REG_IMM": _phrases(
            "[put|place|store|write|load|stick] {value} [in|into] {dest}"
            " || [set|change] {dest} to {value} || [make|let] {dest} [equal|be] {value}"
            " || assign {value} to {dest} || {dest} [gets|becomes|takes|is now] {value}"
            " || give {dest} the value {value}"
            " || [load|fill|initialise|initialize|preset] {dest} with {value}"
            " || [move|copy] [the value|the number|the constant|] {value} [into|to] {dest}"
            " || set {dest} equal to {value} || {value} into {dest}"
        ),
        "CLEAR": _phrases(
            "[clear|zero|reset|empty|zero out|clear out] {dest} || [wipe|clean] {dest}"
            " || [clear|reset|empty|zero] the [value|contents|content] of {dest}"
        ),
        "MOV_REG_REG": _phrases(
            "[copy|move|transfer] {src} [to|into] {dest}"
            " || [put|store|place|write] {src} [in|into] {dest} || [set|change] {dest} to {src}"
            " || assign {src} to {dest} || load {dest} [from|with] {src}"
            " || [let|make] {dest} [be|equal] {src} || {dest} [gets|becomes|takes] {src}"
            " || [copy|move] the [value|contents|content] of {src} [to|into] {dest}"
            " || make {dest} the same as {src} || set {dest} [to the value of|equal to] {src}"
        ),
        "ADD": _phrases(
            "add {src1} and {src2} [into|in] {dest}"
            " || add {src1} [to|and|with] {src2}[,| and|, and|, then]"
            " [store|put|save|write|place] [it|the result|the total|] in {dest}"
            " || [put|store|place|write] {src1} plus {src2} [in|into] {dest}"
            " || [set|change] {dest} to {src1} plus {src2} || let {dest} be {src1} plus {src2}"
            " || {dest} [gets|becomes|equals|is] {src1} plus {src2}"
            " || [sum|add up|total] {src1} and {src2} into {dest}"
            " || [store|put|save|write] the sum of {src1} and {src2} in {dest}"
            " || [compute|calculate] {src1} plus {src2} [into|in] {dest}"
            " || make {dest} the sum of {src1} and {src2}"
            " || add {src1} and {src2}, result in {dest} || increase {dest} by {src2}"
        ),
        "SUB": _phrases(
            "subtract {src2} from {src1}[,| and|, and|, then] [store|put|save|write|place]"
            " [it|the result|the total|] in {dest}"
            " || take {src2} [from|away from|off] {src1}[,| and|, and]"
            " [store|put|save|write|place] [it|the result|the total|] in {dest}"
            " || subtract {src2} from {src1} into {dest} || deduct {src2} from {src1} into {dest}"
            " || [put|store|place|write] {src1} minus {src2} [in|into] {dest}"
            " || [set|change] {dest} to {src1} minus {src2}"
            " || let {dest} be {src1} [minus|less] {src2}"
            " || {dest} [gets|becomes|equals|is] {src1} minus {src2}"
            " || [store|put|save|write] the difference of {src1} and {src2} in {dest}"
            " || [compute|calculate] {src1} minus {src2} [into|in] {dest}"
            " || decrease {dest} by {src2}"
        ),
        "MUL": _phrases(
            "multiply {src1} [by|and|with] {src2} [into|in] {dest}"
            " || multiply {src1} [by|and|with] {src2}[,| and|, and|, then]"
            " [store|put|save|write|place] [it|the result|the total|] in {dest}"
            " || [put|store|place|write] {src1} times {src2} [in|into] {dest}"
            " || [set|change] {dest} to {src1} times {src2} || let {dest} be {src1} times {src2}"
            " || {dest} [gets|becomes|equals|is] {src1} times {src2}"
            " || [store|put|save|write] the product of {src1} and {src2} in {dest}"
            " || [compute|calculate] {src1} times {src2} [into|in] {dest}"
            " || make {dest} the product of {src1} and {src2}"
        ),
        "INC": _phrases(
            "[increment|bump|bump up|step up] {dest} || [increase|raise] {dest} by [one|1]"
            " || add [one|1] to {dest} || count {dest} up || [count up|count upward] {dest}"
            " || [increment|increase] the [value|contents] of {dest}"
            " || [add|put] [one|1] more [to|onto|on] {dest}"
        ),
        "DEC": _phrases(
            "decrement {dest} || [decrease|reduce|lower] {dest} by [one|1]"
            " || subtract [one|1] from {dest} || take [one|1] [from|off|away from] {dest}"
            " || [bump down|step down|count down|count downward] {dest} || count {dest} down"
            " || [decrement|decrease|reduce] the [value|contents] of {dest}"
        ),
        "CMP": _phrases(
            "compare {src1} [with|to|and|against] {src2} || [check|test] {src1} against {src2}"
            " || [see|check|find out] [if|whether] {src1} [equals|is equal to|matches] {src2}"
            " || [check|see|find out] [if|whether] {src1} and {src2} are [equal|the same]"
            " || compare the [values|contents] of {src1} and {src2}"
        ),
        "JMP": _phrases(
            "[jump|go|branch|continue|move on] to {addr} || [continue|go on|start again] at {addr}"
            " || [always|just|simply] [jump|go] to {addr} || [transfer|pass|hand over] control"
            " to {addr}"
            " || [jump|branch|go] [unconditionally|directly|straight] to {addr}"
        ),
        "HALT": _phrases(
            "[stop|halt|end] [the program|execution|here|now|the machine|everything]"
            " || [shut down|stop everything] || end of program || stop the [cpu|processor]"
            " || halt running"
        ),
        "NOP": _phrases(
            "do nothing || no operation || [wait|idle] [one|a|for a|for one] cycle || just wait"
            " || do nothing [here|at all|this time|now] || no op || do not do anything"
        ),
    },
    conditions={
        "JZ": _list(
            "zero | it is zero | the result is zero | equal | the zero flag is set"
            " | they are equal | they match | the result was zero"
        ),
        "JNZ": _list(
            "not zero | nonzero | it is not zero | the result is not zero | not equal"
            " | the zero flag is clear | they differ | they are not equal"
        ),
        "JS": _list(
            "negative | it is negative | the result is negative | the sign flag is set | minus"
            " | below zero | less than zero | the sign is set"
        ),
        "JNS": _list(
            "not negative | it is not negative | the result is not negative | positive or zero"
            " | the sign flag is clear | zero or more | at least zero | the sign is clear"
        ),
    },
    jumps=("jump to", "go to", "branch to", "continue at", "goto", "jump"),
    openings=("please ", "now ", "then ", "next, ", "first, ", "could you ", "and then "),
    closings=(" please", " now", " then", ", please", " for me"),
)
HELD_OUT_LEXICON = Lexicon(
    phrases={
        "MOV_REG_IMM": _phrases(
            "save {value} [in|to] {dest} || have {dest} hold {value}"
            " || {dest} should [hold|contain] {value} || drop {value} into {dest}"
            " || make {dest} hold {value} || write the constant {value} to {dest}"
            " || bring {value} into {dest}"
        ),
        "CLEAR": _phrases(
            "[erase|blank|nullify] {dest} || bring {dest} to zero || set {dest} back to zero"
        ),
        "MOV_REG_REG": _phrases(
            "duplicate {src} [in|into] {dest} || fill {dest} from {src}"
            " || give {dest} the contents of {src} || {dest} takes the value of {src}"
            " || bring {src} over to {dest} || have {dest} hold {src}"
        ),
        "ADD": _phrases(
            "take {src1} plus {src2} and [keep|leave] [it|the outcome|what comes out] in {dest}"
            " || the sum of {src1} and {src2} goes [to|into] {dest}"
            " || add together {src1} and {src2} and put the total in {dest}"
            " || work out {src1} plus {src2} into {dest} || have {dest} hold {src1} plus {src2}"
            " || {src1} plus {src2} goes [in|into] {dest}"
        ),
        "SUB": _phrases(
            "remove {src2} from {src1} and [keep|leave] [it|the outcome|what comes out] in {dest}"
            " || the difference of {src1} and {src2} goes [to|into] {dest}"
            " || {src1} minus {src2} goes [in|into] {dest}"
            " || work out {src1} minus {src2} into {dest}"
            " || make {dest} the difference of {src1} and {src2}"
            " || subtract {src2} from {src1} and [keep|leave] [it|the outcome|what comes out]"
            " in {dest}"
        ),
        "MUL": _phrases(
            "take {src1} times {src2} and [keep|leave] [it|the outcome|what comes out] in {dest}"
            " || the product of {src1} and {src2} goes [to|into] {dest}"
            " || {src1} times {src2} goes [in|into] {dest}"
            " || work out {src1} times {src2} into {dest} || have {dest} hold {src1} times {src2}"
        ),
        "INC": _phrases(
            "advance {dest} by one || make {dest} one larger || [move|push] {dest} up by one"
        ),
        "DEC": _phrases(
            "make {dest} one smaller || [move|push] {dest} down by one || cut {dest} by one"
        ),
        "CMP": _phrases(
            "match {src1} against {src2} || do a comparison of {src1} and {src2}"
            " || how does {src1} compare [to|with] {src2} || look whether {src1} equals {src2}"
        ),
        "JMP": _phrases(
            "[proceed|skip|hop] to {addr} || carry on at {addr} || resume at {addr}"
            " || in any case go to {addr}"
        ),
        "HALT": _phrases(
            "finish execution || [quit|terminate] || end it here || the program ends here"
        ),
        "NOP": _phrases("[skip|pass] [this|one] cycle || take no action || spend a cycle"),
    },
    conditions={
        "JZ": _list(
            "it equals zero | zero is set | both are equal | nothing is left | the outcome is zero"
        ),
        "JNZ": _list(
            "it is different from zero | unequal | zero is not set | the outcome is not zero"
            " | both are different"
        ),
        "JS": _list(
            "it is below zero | the outcome is negative | it went negative | smaller than zero"
        ),
        "JNS": _list(
            "it is zero or above | the outcome is not negative | not below zero | no sign is set"
        ),
    },
    jumps=("proceed to", "skip to", "carry on at", "hop to"),
    openings=("kindly ", "at this point ", "so ", "finally, ", "ok, "),
    closings=(" if you would", " at once", " thanks", ", thanks"),
)
