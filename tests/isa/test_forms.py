"""Forms: how an instruction is written, and whether a text is written so."""

from random import Random

import pytest

from kvrm_grammar.isa import Form, InstructionSet, Opcode, load_set
from kvrm_grammar.isa.grammar import compile_grammar, loose_brackets, read_forms
from kvrm_grammar.isa.sampling import draw_value
from kvrm_grammar.oracle.reference import parse
from tests.sets import ZETA, every_set

FORMS = [
    (isa, opcode, form) for isa in every_set() for opcode in isa.opcodes for form in opcode.forms
]


def form_of(mnemonic: str, isa: InstructionSet, count: int | None = None) -> Form:
    """A mnemonic's form; of several the one with so many operands."""
    found = [form for _, form in isa.by_mnemonic[mnemonic]]
    return found[0] if count is None else next(f for f in found if len(f.operands) == count)


def test_there_are_forms_to_look_at() -> None:
    """Forms without operands, with brackets, and several of one opcode."""
    assert len(FORMS) >= 25
    assert {len(form.operands) for _, _, form in FORMS} >= {0, 1, 2, 3}
    assert any("(" in form.pieces for _, _, form in FORMS)
    assert any(form.implied for _, _, form in FORMS)


@pytest.mark.parametrize(
    ("isa", "opcode", "form"), FORMS, ids=lambda one: getattr(one, "mnemonic", None)
)
@pytest.mark.parametrize("seed", range(3))
def test_what_a_form_joins_means_what_was_joined(
    isa: InstructionSet, opcode: Opcode, form: Form, seed: int
) -> None:
    """The reference parser reads the operands back, and the form takes its own text."""
    rng = Random(seed)
    operands = {operand.name: operand for operand in opcode.operands}
    values = {name: draw_value(rng, operands[name], isa) for name in form.operands}
    text = form.joined(form.mnemonic, {name: str(value) for name, value in values.items()})
    assert parse(text, isa) == isa.operation(opcode.key, values | dict(form.implied))
    assert form.takes(text)
    if form.free_case:
        assert parse(
            form.joined(form.mnemonic.lower(), {k: str(v) for k, v in values.items()}), isa
        ) == parse(text, isa)


@pytest.mark.parametrize(
    ("form", "operands", "text"),
    [
        (form_of("BEEP", ZETA), {}, "beep"),
        (form_of("GO", ZETA), {"target": "loop"}, "go loop"),
        (form_of("SHIFT", ZETA), {"rd": "a0", "rs1": "fp", "shamt": "3"}, "shift a0, fp, 3"),
        (form_of("FETCH", ZETA), {"rd": "a0", "offset": "-8", "rs1": "sp"}, "fetch a0, -8(sp)"),
        # A word that looks like a place for an operand stays the word that it is.
        (form_of("GO", ZETA), {"target": "{target}"}, "go {target}"),
        (form_of("SUB", load_set()), {"dest": "r1", "src1": "r2", "src2": "r3"}, "sub r1, r2, r3"),
    ],
)
def test_the_plainest_separators_are_written(
    form: Form, operands: dict[str, str], text: str
) -> None:
    """One blank, one comma and a blank, no blanks in brackets; the mnemonic as it was given."""
    mnemonic = text.split(" ")[0]
    assert form.joined(mnemonic, operands) == text
    assert form.takes(text)


@pytest.mark.parametrize(
    ("form", "text", "takes"),
    [
        (form_of("BEEP", ZETA), "beep", True),
        (form_of("BEEP", ZETA), "beep x", False),
        (form_of("FETCH", ZETA), "fetch a0 , 8 ( sp )", True),
        (form_of("FETCH", ZETA), "fetch a0, 8, sp", False),
        (form_of("FETCH", ZETA), "fetch a0, 8(sp", False),
        (form_of("FETCH", ZETA), "fetch a0 8(sp)", False),
        (form_of("SHIFT", ZETA), "shift a0, a1, nonsense", True),
        (form_of("SHIFT", ZETA), "shift a0, a1", False),
        (form_of("SHIFT", ZETA), "", False),
        (form_of("CLR.Z", ZETA), "clr.z\ta0", True),
        (form_of("SUB", load_set()), "sub r1 r2 r3", True),
        (form_of("SUB", load_set()), "sub r1,r2 ,r3", True),
        (form_of("SUB", load_set()), "subr1,r2,r3", False),
        (form_of("JMP", load_set()), "jmp loop", True),
    ],
)
def test_a_form_takes_what_has_its_separators(form: Form, text: str, takes: bool) -> None:
    """Whatever stands between them: operands are not looked at."""
    assert form.takes(text) is takes


FETCH = 'FETCH _BLANKS rd _SEP offset _BLANKS? "(" _BLANKS? rs1 _BLANKS? ")"'


@pytest.mark.parametrize(
    ("written", "count"),
    [
        (FETCH, 1),
        (f"{FETCH} | FETCH _BLANKS rd _SEP offset _BLANKS rs1", 2),
        (f'{FETCH} | FETCH _BLANKS rd _SEP offset "[" rs1 "]"', 2),
        # Blanks more or less are the same form.
        (f'{FETCH} | FETCH _BLANKS rd _SEP offset _BLANKS? _BLANKS "(" rs1 ")"', 1),
        (f'{FETCH} | FETCH _BLANKS rd "," offset "(" rs1 ")"', 1),
    ],
)
def test_forms_that_differ_in_brackets_are_several(written: str, count: int) -> None:
    """Each of them is drawn, taught and read back; optional blanks make no form."""
    assert FETCH in ZETA.grammar
    forms = read_forms(compile_grammar(ZETA.grammar.replace(FETCH, written)))
    found = [form for own in forms.values() for form in own if form.mnemonic == "FETCH"]
    assert len(found) == count
    assert {form.operands for form in found} == {("rd", "offset", "rs1")}
    assert len({form.pieces for form in found}) == count


def test_a_jump_to_a_register_may_have_brackets() -> None:
    """Of RV32IM: ``jr a0`` and ``jr (a0)`` are two forms with the same meaning."""
    rv32im = load_set("rv32im")
    forms = [form for _, form in rv32im.by_mnemonic["JR"] if form.operands == ("rs1",)]
    texts = [form.joined("jr", {"rs1": "a0"}) for form in forms]
    assert sorted(texts) == ["jr (a0)", "jr a0"]
    assert parse(texts[0], rv32im) == parse(texts[1], rv32im)


@pytest.mark.parametrize(
    ("written", "marks"),
    [
        (FETCH, ("()", "(")),
        ('FETCH _BLANKS rd _SEP offset _BLANKS? "(" _BLANKS? rs1 ")"', ("(", "(")),
        # Blanks that must be there are no loose ones, and a form that has none decides for all.
        ('FETCH _BLANKS rd _SEP offset "(" _BLANKS rs1 _BLANKS ")"', ("", "")),
        (f'{FETCH} | FETCH _BLANKS rd _SEP "(" rs1 ")"', ("", "(")),
        (f'{FETCH} | FETCH _BLANKS "(" _BLANKS? rs1 _BLANKS? ")"', ("()", "(")),
        (f'{FETCH} | FETCH _BLANKS rd _BLANKS "(" _BLANKS? rs1 _BLANKS? ")"', ("()", "")),
        (
            'FETCH _BLANKS rd _SEP offset _SEP "(" rs1 ")" | FETCH _BLANKS rd _SEP offset _SEP rs1',
            ("", ""),
        ),
        (FETCH.replace('"("', '"["').replace('")"', '"]"'), ("[]", "[")),
        (FETCH.replace('"("', '"<"').replace('")"', '">"'), ("", "")),
    ],
)
def test_loose_brackets_are_loose_in_every_form(written: str, marks: tuple[str, str]) -> None:
    """Read off the grammar: on their inner side, or in front, a blank may stand, and need not."""
    assert FETCH in ZETA.grammar
    assert loose_brackets(compile_grammar(ZETA.grammar.replace(FETCH, written))) == marks


@pytest.mark.parametrize(
    ("imm", "terminal"),
    [
        ('SIGN? NUMBER | "(" SIGN? NUMBER ")"', ""),
        ("SIGN? NUMBER | IN_BRACKETS", r"IN_BRACKETS: /\([0-9]+\)/"),
        ("SIGN? NUMBER | IN_BRACKETS", "IN_BRACKETS: /[(][0-9]+[)]/"),
    ],
)
def test_a_bracket_of_an_operand_is_not_loose(imm: str, terminal: str) -> None:
    """There a blank may be a fault."""
    grammar = ZETA.grammar.replace("imm: SIGN? NUMBER", f"imm: {imm}")
    assert loose_brackets(compile_grammar(f"{grammar}{terminal}\n")) == ("", "")


def test_a_bracket_that_begins_an_operation_is_none_of_its_operands() -> None:
    """Nothing stands in front of it."""
    grammar = ZETA.grammar.replace("| GO _BLANKS target", '| "[" GO _BLANKS target "]"')
    assert grammar != ZETA.grammar
    assert loose_brackets(compile_grammar(grammar)) == ("()", "(")


@pytest.mark.parametrize(
    ("isa", "marks"),
    [("kvrm", ("", "")), ("scaffold", ("", "")), ("rv32im", ("()", "(")), ("zeta", ("()", "("))],
)
def test_the_loose_brackets_of_each_set(isa: str, marks: tuple[str, str]) -> None:
    """Those of an offset's base register."""
    assert {one.name: loose_brackets(one.parser) for one in every_set()}[isa] == marks
