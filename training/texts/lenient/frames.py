"""The frames in which faults stand, rightly filled: only what fills them may tell the two apart.

In: a :class:`~training.texts.lenient.meaning.Writing`. Out: a text in one of the plain frames that
the makers of refused texts use, or None where the meaning has none. Without these a frame such as
``put {x} in {r}`` would be seen with a fault ten times as often as without.
"""

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import load_set
from training.texts.lenient import refused_notations as templates
from training.texts.lenient.meaning import Writing
from training.texts.lenient.spelling import any_of, in_any_case
from training.texts.strict.spelling import mixed_case

__all__ = ["frame"]

_DATA = lenient_data(load_set())
INFIX_SIGNS, STEP_SIGNS, SYNONYMS = _DATA.infix_signs, _DATA.step_signs, _DATA.synonyms
_MOVES = tuple(text for text in templates.NUMBER_USES if text != "mov {r}, {x}")
_NAMED = "value="


def frame(w: Writing) -> str | None:
    """A meaning in a frame of a fault."""
    values = w.meaning.values
    if {"dest", "value"} == {*values}:
        return _moved(w, "value", _MOVES)
    if {"dest", "src"} == {*values}:
        return _moved(w, "src", tuple(text for text in _MOVES if _NAMED not in text))
    if {"addr"} == {*values}:
        return _jump(w)
    return _computed(w)


def _moved(w: Writing, source: str, choices: tuple[str, ...]) -> str:
    text = any_of(choices, w.rng).format(r="{dest}", x="{source}")
    text = in_any_case(text, w.rng)
    return text.replace("{dest}", w.operand("dest")).replace("{source}", w.operand(source))


def _jump(w: Writing) -> str:
    own = w.meaning.opcode.mnemonic
    name = mixed_case(w.rng.choice(SYNONYMS[own] or (own,)), w.rng)
    target = w.operand("addr")
    return f"{name}({target})" if w.rng.random() < 0.1 else f"{name} {target}"


def _computed(w: Writing) -> str | None:
    rng, own, names = w.rng, w.meaning.opcode.mnemonic, [*w.meaning.values]
    assign = rng.choice(("=", "=", ":=", "<-"))
    if own in STEP_SIGNS:
        (register,) = w.operands()
        sign = STEP_SIGNS[own][0]
        ways = (f"{register} {sign}= 1", f"{register} {assign} {register} {sign} 1",
                f"{register}{sign}{sign}", f"{register} {sign}{sign}")  # fmt: skip
        return rng.choice(ways)
    if len(names) == 3 and own in INFIX_SIGNS:
        dest, one, other = w.operands()
        sign, gap = INFIX_SIGNS[own], rng.choice((" ", " ", ""))
        if w.meaning.in_place and rng.random() < 0.5:
            return f"{dest} {sign}= {other}"
        return f"{dest} {assign} {one}{gap}{sign}{gap}{other}"
    name = mixed_case(rng.choice(SYNONYMS[own] or (own,)), rng)
    return w.listed(name, w.operands()) if names else None
