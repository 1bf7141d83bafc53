"""lenient_mentions.py: whatever the spelling, the right operands are among the mentions."""

import json
from collections import Counter
from random import Random

import pytest

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.lenient.mentions import lenient_mentions
from kvrm_grammar.isa import Implied, load_set
from tests.kvrm import DOMAINS
from training.texts.lenient.forms import FORMS
from training.texts.lenient.lexicon import HELD_OUT_LEXICON, TRAINING_LEXICON
from training.texts.lenient.valid import MANNERS, lenient_variant
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

ISA = load_set()
SIDES = ((TRAINING_WORDS, TRAINING_LEXICON), (HELD_OUT_WORDS, HELD_OUT_LEXICON))


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("sub %r5, $r3, reg1", "register", ('"R5"', '"R3"', '"R1"')),
        ("sub register 5 r 3 R1", "register", ('"R5"', '"R3"', '"R1"')),
        ("subr5,r3,r1", "register", ('"R5"', '"R3"', '"R1"')),
        ("sub r5r3r1", "register", ('"R5"', '"R3"', '"R1"')),
        ("inc r8", "register", ()),
        ("do nothing for 5", "register", ()),
        ("r1\u00b2 = r0", "register", ('"R0"',)),
        ("wfe(REG13(r5)=", "register", ('"R5"',)),
        ("ld r1, 0x13(r5)", "register", ('"R1"',)),
        ("ld r1, 13(r5)", "register", ('"R1"',)),
        ("r1\u2082 = r0", "register", ('"R0"',)),
        ("r1 = \U0001d7db6", "immediate", ()),
        ("mov @r1, r2", "register", ('"R2"',)),
        ("inc [r5]", "register", ()),
        ("sub[r5, r3]", "register", ('"R5"', '"R3"')),
        ("add $1, $2, $9", "register", ('"R1"', '"R2"')),
        ("mov r1, 1,000", "immediate", ()),
        ("mov(register 1,901)", "immediate", ("901",)),
        ("mov(register 1,901)", "register", ('"R1"',)),
        ("set r1 to 1,000.", "immediate", ()),
        ("mov r1,1,000", "immediate", ()),
        ("mov r1, #1,000", "immediate", ()),
        ("mov r1, 0x1,000", "immediate", ()),
        ("mov r1, 1'000,", "immediate", ()),
        ("mov r1, 0FFh", "immediate", ("255",)),
        ("mov r1, $FF", "immediate", ("255",)),
        ("mov r1, %101", "immediate", ("5",)),
        ("mov r1, 1_000", "immediate", ("1000",)),
        ("mov r1, =12", "immediate", ("12",)),
        ("mov r1, - 4", "immediate", ("-4", "4")),
        ("mov r1, \u22124", "immediate", ("-4",)),
        ("mov r1,-4", "immediate", ("-4",)),
        ("set r1 to forty-two", "immediate", ("42",)),
        ("set r1 to Forty Two", "immediate", ("42",)),
        ("set r1 to one hundred", "immediate", ("100",)),
        ("set r1 to two hundred", "immediate", ()),
        ("set r1 to one hundred thousand", "immediate", ()),
        ("set r1 to negative five", "immediate", ("-5",)),
        ("mov r1, -five", "immediate", ("-5",)),
        ("mov r1, - five", "immediate", ("-5", "5")),
        ("set r1 to minus forty-two", "immediate", ("-42", "42")),
        ("put 3 in register-five", "immediate", ("3", "5")),
        # A long s is no s.
        ("put \u017fix in r1", "immediate", ()),
        ("inc register \u017fix", "register", ()),
        ("inc regi\u017fter 5", "register", ()),
        # Raised digits write no number, and a literal has one character of ASCII, and no sign.
        ("mov r1, 5\u00b2", "immediate", ()),
        ("mov r1, \u21525", "immediate", ()),
        ("mov r1, \u32557", "immediate", ()),
        ("mov r1, 7\u2169", "immediate", ()),
        ("mov r1, 3\u32c9", "immediate", ()),
        ("mov r1, 5\u00bd", "immediate", ()),
        ("mov r1, -'a'", "immediate", ()),
        ("mov r1, '\u00e9'", "immediate", ()),
        ("mov r1, '\u2401'", "immediate", ()),
        ("mov r1, '''", "immediate", ()),
        # Letters around a name are an operation's, or another name's.
        ("inc r1e", "register", ()),
        ("inc r1_", "register", ()),
        ("mov r1, R0O", "register", ('"R1"',)),
        ("inc counter5", "register", ()),
        ("movr1,r2", "register", ('"R1"', '"R2"')),
        ("multiplyr5r3r1", "register", ('"R5"', '"R3"', '"R1"')),
        ("r1 = 1.5", "immediate", ()),
        ("mov r1, ','", "immediate", ("44",)),
        (r"mov r1, '\n'", "immediate", ("10",)),
        ("12 | mov r1, 5", "immediate", ("5",)),
        ("3. clear r1", "immediate", ()),
        ("0x0040: clear r1", "immediate", ()),
        ("mov r1, 0x" + "0" * 50 + "7", "immediate", ("7",)),
        ("mov r1, 99999999999999999999999999999999999999999999", "immediate", ()),
        ("jmp @loop", "target", ('"jmp"', '"loop"')),
        ("jmp loop.", "target", ('"jmp"', '"loop."', '"loop"')),
        ("jmp l\u043eop", "target", ()),
        ("jmp @r1", "target", ()),
        ("jz", "target", ()),
        ("jmp 0b10000000000000000000000000000000", "target", ()),
        ("js($2540be400) (again)", "target", ('"again"',)),
        ("jns main", "target", ('"jns"', '"main"')),
        # The operation in front is no label, but where another word names one, as in Forth.
        ("jmp jmp", "target", ('"jmp"', '"jmp"')),
        ("' sub jnz", "target", ('"sub"', '"jnz"')),
        ("exit -> pc", "target", ('"exit"', '"pc"')),
        ("ret if zero", "target", ('"ret"', '"if"', '"zero"', "0")),
        ("inc r1", "target", ()),
        # Nor is the name of a field; other words before a colon may be labels.
        ('{"op": "jmp", "to": "loop"}', "target", ('"jmp"', '"loop"')),
        ("jmp loop: (again)", "target", ('"jmp"', '"loop"', '"again"')),
        ("jump to loop: if sign", "target", ('"jump"', '"to"', '"loop"', '"if"', '"sign"')),
        ("jmp addr=loop", "target", ('"jmp"', '"loop"')),
        ("pc = sign ? loop : pc", "target", ('"pc"', '"sign"', '"loop"', '"pc"')),
        ("++", "target", ()),
    ],
)
def test_mentions(text: str, kind: str, values: tuple[str, ...]) -> None:
    """Every spelling of the dialect's table, and what is none."""
    assert (
        lenient_mentions(find_dialect("lenient").read(text).visible, ISA)[DOMAINS[kind]] == values
    )


@pytest.mark.parametrize(
    ("text", "implied"),
    [
        ("3. clear r1", (("OP_MOV_REG_IMM", "value", "0"),)),
        ("clear r1 and null it", (("OP_MOV_REG_IMM", "value", "0"),)),
        ("inc r1", ()),
    ],
)
def test_words_imply(text: str, implied: tuple[Implied, ...]) -> None:
    """Once, for the operand that they are about."""
    found = lenient_mentions(find_dialect("lenient").read(text).visible, ISA)
    assert found.implied == implied


@pytest.mark.parametrize("mark", [".", "OP_", "op_"])
def test_a_name_implies_the_same_behind_a_mark(mark: str) -> None:
    """``.beqz a0, loop`` is compared with zero as ``beqz a0, loop`` is."""
    isa, implying = load_set("rv32im"), 0
    dialect = find_dialect("lenient", isa)
    for mnemonic, own in isa.by_mnemonic.items():
        name = mnemonic.lower()
        if not any(form.implied for _, form in own):
            continue
        bare = dialect.read(f"{name} a3, a4").mentions.implied
        marked = dialect.read(f"{mark}{name} a3, a4").mentions.implied
        assert {*bare} <= {*marked}, mnemonic
        implying += bool(bare)
    assert implying > 15


@pytest.mark.parametrize("kind", [*FORMS, *MANNERS])
def test_the_right_answer_is_never_lost(kind: str) -> None:
    """Each operand is mentioned as often as it is used, but where two registers mean three."""
    rng = Random(kind)
    for number in range(120):
        variant = lenient_variant(rng, ISA, *SIDES[number % 2], kind=kind)
        if len(variant.text.rstrip("\r\n")) > 256:
            continue
        found = lenient_mentions(find_dialect("lenient").read(variant.text).visible, ISA)
        values = variant.operation.params.model_dump()
        opcode = next(o for o in ISA.opcodes if o.key == variant.operation.key)
        in_place = len(values) == 3 and values["dest"] == values["src1"]
        shorthand = in_place and len(found[DOMAINS["register"]]) >= 2
        needed = Counter(
            (o.domain, json.dumps(values[o.name]))
            for o in opcode.operands
            if (opcode.key, o.name, json.dumps(values[o.name])) not in found.implied
        )
        for (domain, value), count in needed.items():
            least = 1 if shorthand else count
            assert found[domain].count(value) >= least, variant.text
