"""Texts that look like something the lenient dialect reads, and must be refused.

In: a ``random.Random``, an ``InstructionSet`` and a lexicon. Out: ``Candidate``:
a text and the kind of its fault. No parser can confirm these, so each is wrong by its making:
one operand, one word or one character away from a text that would be read.
"""

import re
import string
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import InstructionSet, load_set
from training.texts.lenient import context, refused_context, refused_forms
from training.texts.lenient import refused_notations as templates
from training.texts.lenient.fault import Fault
from training.texts.lenient.lexicon import HELD_OUT_LEXICON, TRAINING_LEXICON, Lexicon
from training.texts.lenient.listed import says_an_instruction
from training.texts.lenient.spelling import (
    any_of,
    operations_near,
    typing_error,
    with_strange_character,
)
from training.texts.lenient.valid import residue
from training.texts.operands import immediates, kind_of
from training.texts.strict.refused import Candidate
from training.texts.strict.spelling import mixed_case
from training.texts.strict.valid import decorate
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["LENIENT_REFUSAL_KINDS", "lenient_refusal"]

SYNONYMS = lenient_data(load_set()).synonyms
_JOINTS = ("\n", "\n", "\r\n", " and then ", ", then ", " | ", " && ", "\n\n", " and also ")


def _unknown_operation(f: Fault) -> str:
    """What no machine here does, a word that names nothing, or a sign that none reads."""
    rng = f.rng
    roll = rng.random()
    if roll < 0.25:
        word = context.bare_label(rng, [one for one in f.words if one not in _spoken()])
        return f.listed(word, f.registers(rng.choice((1, 2, 2, 3))))
    if roll < 0.7:
        return f.filled(f.lexicon.faults["actions"])
    sign, gap = rng.choice(templates.UNKNOWN_SIGNS), rng.choice((" ", " ", ""))
    r, s, t = f.registers(3)
    assign = rng.choice(("=", ":=", "<-"))
    last = str(rng.randint(0, 31)) if rng.random() < 0.35 else t
    if roll < 0.87:
        return f"{r} {assign} {s}{gap}{sign}{gap}{last}"
    if roll < 0.93:
        return f"{r} {assign} {rng.choice(('-', '~', '!', 'not ', '- '))}{s}"
    return f"{r} {rng.choice(('/', '%', '&', '|', '^', '<<', '>>', '**'))}= {last}"


@cache
def _spoken() -> frozenset[str]:
    """Words of phrases: before registers they may say something."""
    sides = (TRAINING_LEXICON, HELD_OUT_LEXICON)
    phrases = (text for side in sides for texts in side.phrases.values() for text in texts)
    return frozenset(word for text in phrases for word in re.findall("[a-z]+", text))


def _ambiguous(f: Fault) -> str:
    """A word near several operations, before operands of one: the word alone is the fault."""
    word = typing_error(f.rng, 2)
    near = operations_near(word)
    while True:
        meaning = f.meaning(operands=0)
        if meaning.opcode.mnemonic in near:
            return f.listed(mixed_case(word, f.rng), f.operands(meaning))


def _bad_register(f: Fault) -> str:
    """A text with a register replaced by one that does not exist."""
    mark = f.isa.names[0]
    while True:
        meaning = f.meaning()
        names = [o.name for o in meaning.opcode.operands if kind_of(o) == "register"]
        if not names:
            continue
        marked = meaning.with_values(**{f.rng.choice(names): mark})
        if list(marked.values.values()).count(mark) > 1:
            continue
        text, bad = f.written(marked), f.rng.choice(templates.BAD_REGISTERS)
        for spelled in ("%r0", "$r0", "register 0", "reg0", "r 0", "r0"):
            for case in (spelled, spelled.upper()):
                if case in text:
                    return text.replace(case, bad, 1)


def _out_of_range(f: Fault) -> str:
    rng, high = f.rng, immediates(f.isa)[1]
    beyond = rng.choice((high + 1, high + rng.randint(1, 10**9), 10 ** rng.randint(10, 14)))
    digits = format(beyond, "x")
    other = (f"{'' if digits[0].isdigit() else '0'}{digits}h", f"0o{beyond:o}", f"0b{beyond:b}")
    if rng.random() < 0.1:
        return f"{rng.choice(f.lexicon.jumps)} {beyond}"
    if rng.random() < 0.2:
        written = rng.choice((str(beyond), str(beyond), hex(beyond), f"${digits}", *other))
        return f.filled(templates.TARGET_USES, written)
    value = -(beyond + 1) if rng.random() < 0.3 else beyond
    ways = [f"{value}", f"{value}", f"{value:_}", hex(value)]
    ways += [rng.choice(other)] if value > 0 else [f"- {-value}", f"\u2212{-value}"]
    return f.filled(templates.NUMBER_USES, rng.choice(ways))


def _no_number(f: Fault) -> str:
    """Fractions, thousands with commas, exponents, expressions, units; also as a target."""
    if f.rng.random() < 0.15:
        return f.filled(templates.TARGET_USES, f.filled(templates.BAD_TARGETS))
    return f.filled(templates.NUMBER_USES, f.filled(templates.BAD_NUMBERS))


def _memory(f: Fault) -> str:
    return f.filled(templates.MEMORY_USES, f.filled(templates.MEMORY_PLACES))


def _several(f: Fault) -> str:
    one, other = (f.written(f.meaning(operands=0)) for _ in range(2))
    return one + f.rng.choice(_JOINTS) + other


def _hidden(f: Fault) -> str:
    return with_strange_character(f.written(f.meaning(operands=0)), f.rng)


def _too_few(f: Fault) -> str:
    """An operand less than the least that a form takes."""
    if f.rng.random() < 0.4:
        return f.filled(f.lexicon.faults["too_few"])
    rng, meaning = f.rng, f.meaning()
    operands, name = f.operands(meaning), f.name(meaning)
    kept = operands[: rng.randrange(len(operands) - (len(operands) == 3))]
    labels = f.labels([*meaning.values])
    named = [(labels[n], value) for n, value in zip(meaning.values, kept, strict=False)]
    forms = [
        f.listed(name, kept, glued=True),
        f.listed(name, kept, glued=True),
        f"{name}({', '.join(kept)})",
        f.by_name(name, named),
    ]
    if len(operands) == 3:
        r, s = operands[:2]
        forms += [f"{r} =", f"{name} -> {r}", f"{r} = {s} +", f"{name} {r} ->"]
    if meaning.opcode.mnemonic in f.lexicon.conditions:
        condition = any_of(f.lexicon.conditions[meaning.opcode.mnemonic], rng)
        forms += [f"jump if {condition}", f"go to if {condition}", f"if {condition}"] * 2
    return rng.choice(forms).strip()


def _too_many(f: Fault) -> str:
    """An operand more than a form takes; an English sentence with three sources."""
    rng, meaning = f.rng, f.meaning(operands=0)
    if rng.random() < 0.55:
        return f.filled(f.lexicon.faults["too_many"])
    more, name = f.operands(meaning), f.name(meaning)
    extra = rng.choice((f.registers(1)[0], f.registers(1)[0], str(rng.randint(0, 99))))
    more.insert(rng.randint(0, len(more)), extra)
    return f.listed(name, more, glued=True) if rng.random() < 0.7 else f"{name}({', '.join(more)})"


def _wrong_kind(f: Fault) -> str:
    """A number where a register belongs, a register where a target does."""
    return f.filled(f.lexicon.faults["wrong_kind"])


def _bad_names(f: Fault) -> str:
    """Operands by name: one twice, or a name that no operation has."""
    rng, meaning = f.rng, f.meaning(operands=2)
    labels = f.labels([*meaning.values])
    pairs = [*zip((labels[n] for n in meaning.values), f.operands(meaning), strict=True)]
    place = rng.randrange(len(pairs))
    if rng.random() < 0.5:
        name, own = pairs[place]
        other = next(one for one in iter(lambda: f.registers(1)[0], "") if one[-1] != own[-1])
        pairs.insert(rng.randint(0, len(pairs)), (name, other))
    else:
        pairs[place] = (rng.choice(templates.FAULTY_NAMES), pairs[place][1])
    return f.by_name(mixed_case(meaning.opcode.mnemonic, rng), pairs)


def _condition(f: Fault) -> str:
    """A jump on a condition that the machine does not have."""
    condition = f.filled(f.lexicon.faults["conditions"])
    if f.rng.random() < 0.2:
        return f.filled(templates.CONDITIONAL, condition)
    # The same sentences as with a condition that it has: only that tells them apart.
    frame = any_of(f.lexicon.frames, f.rng).replace("{condition}", "{x}")
    return f.filled([frame.replace("{addr}", "{w}")], condition)


def _prose(f: Fault) -> str:
    """What is no instruction; a word alone, such as ``exit``, may be one in English."""
    commands = {
        text.lower()
        for name in (opcode.mnemonic for opcode in f.isa.opcodes if not opcode.operands)
        for text in (name, *SYNONYMS[name], *f.lexicon.phrases[name])
    }
    while (text := _any_prose(f)).strip().lower() in commands:
        pass
    return text


def _any_prose(f: Fault) -> str:
    rng = f.rng
    roll = rng.random()
    if roll < 0.7:
        return f.filled(f.lexicon.faults["prose"])
    if roll < 0.85:
        return " ".join(rng.choice(f.words) for _ in range(rng.randint(2, 8)))
    alphabet = rng.choice((string.printable[:95], string.ascii_lowercase + "   "))
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(6, 30)))


def _empty(f: Fault) -> str:
    return f.filled(templates.EMPTY)


_MAKERS: dict[str, tuple[int, Callable[[Fault], str]]] = {
    "unknown_operation": (14, _unknown_operation),
    "other_operation": (24, refused_forms.other_operation),
    "ambiguous": (15, _ambiguous),
    "bad_register": (14, _bad_register),
    "out_of_range": (3, _out_of_range),
    "no_number": (5, _no_number),
    "memory": (7, _memory),
    "several": (10, _several),
    "hidden": (6, _hidden),
    "too_few": (12, _too_few),
    "too_many": (11, _too_many),
    "wrong_kind": (9, _wrong_kind),
    "bad_names": (5, _bad_names),
    "condition": (15, _condition),
    "prose": (24, _prose),
    "empty": (2, _empty),
    "increment_fault": (9, refused_forms.increment_fault),
    "arrows_fault": (8, refused_forms.arrows_fault),
    "record_fault": (9, refused_forms.record_fault),
    "reversed_fault": (8, refused_forms.reversed_fault),
    "dollar_fault": (8, refused_forms.dollar_fault),
    "remark_fault": (10, refused_context.remark_fault),
    "bare_label_fault": (10, refused_context.bare_label_fault),
    "listing_fault": (7, refused_context.listing_fault),
}
LENIENT_REFUSAL_KINDS: tuple[str, ...] = tuple(_MAKERS)
_WHOLE = frozenset(
    ("empty", "several", "hidden", "prose", "listing_fault")
)  # nothing is put around these

_SAID = frozenset(("unknown_operation", "wrong_kind", "too_many", "too_few", "condition"))
_SENTENCE = re.compile(r"[A-Za-z]+ .*\b(?:to|from|by|into|in|and|if|with|the|on|when)\b")


def _spoken_to(text: str, f: Fault) -> str:
    """A sentence with what people say in front of one, or behind it."""
    if not _SENTENCE.match(text):
        return text
    if f.rng.random() < 0.7:
        opening = f.rng.choice(f.lexicon.openings)
        text = (opening if opening != "and " else "") + text[0].lower() + text[1:]
    else:
        text += f.rng.choice(f.lexicon.closings)
    return text[0].upper() + text[1:] if f.rng.random() < 0.3 else text


def _with_mark(text: str, rng: Random) -> str:
    """Marks around a line, or in front of a name as right texts have them."""
    first, blank, rest = text.partition(" ")
    if first.upper() in SYNONYMS and rng.random() < 0.35:
        return rng.choice(("OP_" + first.upper(), "." + first.lower())) + blank + rest
    return residue(text, rng)


def lenient_refusal(
    rng: Random,
    isa: InstructionSet,
    words: Sequence[str] = TRAINING_WORDS,
    lexicon: Lexicon = TRAINING_LEXICON,
    *,
    kind: str | None = None,
) -> Candidate:
    """Draw a text that the lenient dialect refuses.

    Args:
        rng: Source of randomness.
        isa: The instruction set to break the rules of.
        words: Word list for labels and prose.
        lexicon: Phrases of English.
        kind: One of ``LENIENT_REFUSAL_KINDS``; None for any.

    Returns:
        The text and the kind of its fault.
    """
    if kind is None:
        kind = rng.choices(LENIENT_REFUSAL_KINDS, [weight for weight, _ in _MAKERS.values()])[0]
    fault = Fault(rng, isa, words, lexicon)
    while says_an_instruction(text := _MAKERS[kind][1](fault)):
        pass
    if kind in _SAID and rng.random() < 0.15:
        text = _spoken_to(text, fault)
    if kind not in _WHOLE and rng.random() < 0.06:
        said = context.remark_text(rng, isa.names, words, lexicon)
        text = context.remark(text, said, rng, dashes="=" not in text)
    if kind not in _WHOLE and rng.random() < 0.1:
        text = _with_mark(text, rng)
    if kind not in ("empty", "several") and rng.random() < 0.1:
        text = decorate(text, rng, isa, words)
    return Candidate(text, kind)
