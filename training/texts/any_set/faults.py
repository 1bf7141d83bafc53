"""Texts that look like something the lenient dialect reads, and must be refused, for any set.

In: a ``random.Random``, an instruction set and a phrasebook. Out: ``Candidate``: a text and the
kind of its fault. Each is wrong by its making: one operand, one word or one character away from a
text that would be read, and written in the same forms, so that only the fault tells them apart.
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from kvrm_grammar.isa import Form, InstructionSet, Operand
from training.texts.any_set.forms import (
    FORMS,
    MANNERS,
    ORDERED_FORMS,
    Writing,
    around,
    plain_label,
    write_form,
)
from training.texts.any_set.meaning import Meaning, Phrasebook, draw_meaning, takes
from training.texts.any_set.spelling import Words, is_taken, misspelt, names_near
from training.texts.lenient import context
from training.texts.lenient import refused_notations as templates
from training.texts.lenient.programs import KEYS, joined_record
from training.texts.lenient.spelling import any_of, phrase
from training.texts.operands import Kind, kind_of, range_of
from training.texts.strict.refused import Candidate
from training.texts.strict.spelling import label_name, mixed_case
from training.texts.strict.valid import render_operands
from training.texts.strict.words import PROSE, TRAINING_WORDS

__all__ = ["FAULTS", "any_refusal"]

_HIDDEN = ("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\x00")
_CONFUSABLE = dict(
    zip("aceopsxijAOM", "\u0430\u0441\u0435\u043e\u0440\u0455\u0445\u0456\u0458\u0410\u041e\u041c",
        strict=True)
)  # fmt: skip
_JOINTS = ("\n", "\n", "\r\n", " and then ", ", then ", " | ", " && ", "; ")
_NEGATIONS = ("do not ", "don't ", "never ", "no need to ", "avoid: ", "without ", "unless you ")
_STRANGE_NAMES = ("r33", "x32", "x33", "x99", "eax", "r15", "pc", "acc", "b3", "q1", "xl", "v0",
                  "rx", "f1", "ft0", "a9", "a8", "s12", "t7", "R99", "d4", "cc", "ax")  # fmt: skip
_PIECES = (", ", ", ", ",", " ")
_OTHER_SIGNS = ("**", "~^", "&&", "||", "<=>", "??", "<<<", "@", "\\", "÷", "∧")


@dataclass(frozen=True)
class _Fault:
    """What the makers draw from."""

    rng: Random
    isa: InstructionSet
    book: Phrasebook
    words: Sequence[str]

    def meaning(self, *, operands: int = 1) -> Meaning:
        """A meaning whose form writes so many operands at least."""
        while True:
            meaning = draw_meaning(self.rng, self.isa, self.words)
            if len(meaning.form.operands) >= operands:
                return meaning

    def written(self, meaning: Meaning, replaced: Mapping[str, str] | None = None) -> str | None:
        """A text of the meaning in any form, perhaps with another text as an operand."""
        rng = self.rng
        forms = [form for form in FORMS if form != "english" or meaning.form.mnemonic in
                 self.book.phrases]  # fmt: skip
        weights = [FORMS[form][0] for form in forms]
        (form,) = rng.choices(forms, weights)
        spell = Words(
            rng,
            self.isa,
            meaning,
            registers=rng.random() < 0.12,
            words=form == "english",
            prefixes=form in ORDERED_FORMS,
            replaced=replaced,
        )
        text = write_form(form, Writing(rng, self.isa, meaning, spell, self.book))
        # A form may leave out what was replaced.
        gone = any(word not in (text or "") for word in spell.replaced.values())
        return None if gone else text

    def whole(self, *, operands: int = 0) -> str:
        """A right text."""
        while True:
            text = self.written(self.meaning(operands=operands))
            if text is not None:
                return text

    def operand(self, kind: Kind) -> str:
        """A word of one kind."""
        rng = self.rng
        if kind == "register":
            return rng.choice([*self.isa.names])
        if kind == "target":
            return label_name(rng, self.isa, self.words)
        return str(rng.choice((rng.randint(0, 9), rng.randint(0, 31), rng.randint(-99, 999))))

    def listed(self, name: str, operands: Sequence[str]) -> str:
        """Operands behind a name, or in brackets behind it."""
        if self.rng.random() < 0.15:
            return f"{name}({self.rng.choice(_PIECES).join(operands)})"
        return render_operands(name, operands, self.rng).strip()

    def some_operands(self) -> list[str]:
        """What operations are written with."""
        rng = self.rng
        operands = [self.operand("register") for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 3)))]
        if operands and rng.random() < 0.35:
            operands[-1] = self.operand(rng.choice(("immediate", "immediate", "target")))
        if rng.random() < 0.2:
            operands[1:] = [f"{rng.choice(('', rng.randint(0, 64)))}({self.operand('register')})"]
        return operands

    def filled(self, template: str) -> str:
        """A template with registers, numbers and a word."""
        rng = self.rng
        r, s, t = (self.operand("register") for _ in range(3))
        return template.format(r=r, s=s, t=t, u=r, n=rng.randint(0, 99), m=rng.randint(1, 99),
                           w=rng.choice(self.words), big=rng.randint(100, 999))  # fmt: skip


def _other_operation(f: _Fault) -> str | None:
    if not f.book.operations:
        return None
    rng = f.rng
    name, operands = mixed_case(rng.choice(f.book.operations), rng), f.some_operands()
    text, roll = f.listed(name, operands), rng.random()
    if roll < 0.6:
        return text
    if roll < 0.68:
        labels = [operand.name for operand in f.meaning().opcode.operands]
        return joined_record(rng, [(rng.choice(KEYS), name), *zip(labels, operands, strict=False)])
    if roll < 0.8:
        return context.listing(text, rng)
    if roll < 0.86:
        return f"{plain_label(rng, f.isa, f.words)} {text}"
    if roll < 0.92:
        return f"{name} {f.whole()}"
    return rng.choice(("OP_" + name.upper(), "." + name.lower())) + text[len(name) :]


def _unknown_operation(f: _Fault) -> str:
    rng = f.rng
    if f.book.others and rng.random() < 0.7:
        return f.filled(any_of(f.book.others, rng))
    if rng.random() < 0.4:
        r, s, t = (f.operand("register") for _ in range(3))
        return f"{r} {rng.choice(('=', ':=', '<-'))} {s} {rng.choice(_OTHER_SIGNS)} {t}"
    while True:
        word = rng.choice(f.words)
        if not (is_taken(word, f.isa) or names_near(word, f.isa)):
            return f.listed(word, [f.operand("register") for _ in range(rng.choice((2, 3)))])


def _ambiguous(f: _Fault) -> str | None:
    meaning = f.meaning(operands=0)
    word = misspelt(f.rng, f.isa, meaning.form.mnemonic, 2)
    if word is None:
        return None
    w = Writing(f.rng, f.isa, meaning, Words(f.rng, f.isa, meaning), f.book)
    return w.whole(mixed_case(word, f.rng))


def _slot(f: _Fault, meaning: Meaning, *kinds: Kind) -> Operand | None:
    """An operand of one of these kinds that the form writes."""
    fitting = [slot for slot in meaning.slots if kind_of(slot) in kinds]
    return f.rng.choice(fitting) if fitting else None


def _bad_register(f: _Fault) -> str | None:
    meaning = f.meaning()
    slot = _slot(f, meaning, "register")
    if slot is None:
        return None
    strange = [one for one in _STRANGE_NAMES if one.lower() not in
               {name.lower() for name in f.isa.spellings}]  # fmt: skip
    return f.written(meaning, {slot.name: f.rng.choice(strange)})


def _out_of_range(f: _Fault) -> str | None:
    """A number beyond what every form of the mnemonic takes."""
    rng, meaning = f.rng, f.meaning()
    slot = _slot(f, meaning, "immediate", "target")
    if slot is None:
        return None
    low, high = _widest(f.isa, meaning.form, slot)
    beyond = rng.choice(
        (high + 1, high + rng.randint(1, 99), high * 2 + 1, 10 ** rng.randint(11, 14))
    )
    below = low - rng.choice((1, rng.randint(1, 99), rng.randint(100, 10**6)))
    value = below if rng.random() < 0.35 and kind_of(slot) != "target" else beyond
    return f.written(meaning, {slot.name: rng.choice((str(value), str(value), hex(value)))})


def _widest(isa: InstructionSet, form: Form, slot: Operand) -> tuple[int, int]:
    bounds = [range_of(slot)]
    for opcode, other in isa.by_mnemonic[form.mnemonic]:
        bounds += [range_of(o) for o in opcode.operands if o.name in other.operands
                   and o.domain.integers is not None]  # fmt: skip
    return min(low for low, _ in bounds), max(high for _, high in bounds)


def _no_number(f: _Fault) -> str | None:
    meaning = f.meaning()
    slot = _slot(f, meaning, "immediate", "target")
    if slot is None:
        return None
    if kind_of(slot) == "target":
        bad = f.filled(f.rng.choice(templates.BAD_TARGETS))
    else:
        bad = f.filled(f.rng.choice(templates.BAD_NUMBERS))
    return f.written(meaning, {slot.name: bad})


def _memory(f: _Fault) -> str | None:
    """A place in memory where a register stands alone."""
    meaning = f.meaning()
    if any("(" in piece for piece in meaning.form.pieces):
        return None
    slot = _slot(f, meaning, "register")
    if slot is None:
        return None
    r, n = f.operand("register"), f.rng.randint(0, 64)
    place = f.rng.choice((f"{n}({r})", f"[{r}]", f"[{r}+{n}]", f"({r})", f"*{r}", f"@{r}",
                          f"mem[{r}]", f"{n}({r})"))  # fmt: skip
    return f.written(meaning, {slot.name: place})


def _several(f: _Fault) -> str:
    return f.whole() + f.rng.choice(_JOINTS) + f.whole()


def _hidden(f: _Fault) -> str | None:
    text, rng = f.whole(), f.rng
    places = [i for i, c in enumerate(text) if c in _CONFUSABLE]
    if not places or rng.random() < 0.4:
        place = rng.randint(1, max(1, len(text) - 1))
        return text[:place] + rng.choice(_HIDDEN) + text[place:]
    chosen = rng.choice(places)
    return text[:chosen] + _CONFUSABLE[text[chosen]] + text[chosen + 1 :]


def _kinds(meaning: Meaning) -> list[Kind]:
    return [kind_of(slot) for slot in meaning.slots]


def _too_few(f: _Fault) -> str | None:
    rng, meaning = f.rng, f.meaning()
    kinds, words = _kinds(meaning), Words(rng, f.isa, meaning)
    own = meaning.form.mnemonic
    first = meaning.form is f.isa.by_mnemonic[own][0][1]
    fitting = f.book.phrases.get(own, ()) if first else ()
    if fitting and rng.random() < 0.35:
        text = phrase(any_of(fitting, rng), rng)
        slots = [*re.finditer(r"\{(\w+)\}", text)]
        if len(slots) < len(kinds):
            return None
        kept = text[: slots[-1].start()].rstrip()
        return Writing(rng, f.isa, meaning, words, f.book).filled(kept)
    place = rng.randrange(len(kinds))
    if takes(f.isa, own, kinds[:place] + kinds[place + 1 :]):
        return None
    names = [name for i, name in enumerate(meaning.form.operands) if i != place]
    if rng.random() < 0.3:
        pairs = [(name, words.of(name)) for name in names]
        if rng.random() < 0.5:
            return joined_record(rng, [(rng.choice(KEYS), mixed_case(own, rng)), *pairs])
        return f"{mixed_case(own, rng)} " + " ".join(f"{name}={word}" for name, word in pairs)
    return f.listed(mixed_case(own, rng), [words.of(name) for name in names])


def _too_many(f: _Fault) -> str | None:
    rng, meaning = f.rng, f.meaning(operands=0)
    kinds, words = _kinds(meaning), Words(rng, f.isa, meaning)
    extra: Kind = rng.choice(("register", "register", "immediate"))
    place = rng.randint(0, len(kinds))
    if takes(f.isa, meaning.form.mnemonic, [*kinds[:place], extra, *kinds[place:]]):
        return None
    written = [words.of(name) for name in meaning.form.operands]
    written.insert(place, f.operand(extra))
    return f.listed(mixed_case(meaning.form.mnemonic, rng), written)


def _wrong_kind(f: _Fault) -> str | None:
    """A number where only a register stands, or a word where only a number does."""
    rng, meaning = f.rng, f.meaning()
    kinds = _kinds(meaning)
    place = rng.randrange(len(kinds))
    wanted = kinds[place]
    others: dict[Kind, tuple[Kind, ...]] = {
        "register": ("immediate", "immediate", "target"),
        "immediate": ("target",),
        "target": ("register",),
    }
    other = rng.choice(others[wanted])
    if takes(f.isa, meaning.form.mnemonic, [*kinds[:place], other, *kinds[place + 1 :]]):
        return None
    word = rng.choice(f.words) if other == "target" else f.operand(other)
    return f.written(meaning, {meaning.form.operands[place]: word})


def _bad_names(f: _Fault) -> str | None:
    """Operands by name: one twice, or a name that no operation has."""
    rng, meaning = f.rng, f.meaning(operands=2)
    words = Words(rng, f.isa, meaning)
    pairs = [(name, words.of(name)) for name in meaning.form.operands]
    place = rng.randrange(len(pairs))
    if rng.random() < 0.5:
        pairs.insert(rng.randint(0, len(pairs)), (pairs[place][0], f.operand("register")))
    else:
        pairs[place] = (rng.choice(templates.FAULTY_NAMES), pairs[place][1])
    name = mixed_case(meaning.form.mnemonic, rng)
    if rng.random() < 0.4:
        return joined_record(rng, [(rng.choice(KEYS), name), *pairs])
    return f"{name} " + rng.choice((" ", ", ")).join(f"{one}={word}" for one, word in pairs)


def _negated(f: _Fault) -> str | None:
    text = f.written(f.meaning())
    return None if text is None else f.rng.choice(_NEGATIONS) + text[:1].lower() + text[1:]


def _prose(f: _Fault) -> str:
    rng, roll = f.rng, f.rng.random()
    if roll < 0.35:
        return rng.choice(PROSE)
    if roll < 0.6:
        r, s = f.operand("register"), f.operand("register")
        frames = ("what is in {r}?", "why does {r} change", "is {r} bigger than {s}", "{r} and {s}",
                  "the value of {r}", "{r}", "{r}, {s}", "which register holds the {w}",
                  "explain the {w}", "{r} is free now", "show me {r}", "undo the last step",
                  "what does {w} do", "error in {w}", "{w} of {r}", "see {w} for {r}")  # fmt: skip
        return rng.choice(frames).format(r=r, s=s, w=rng.choice(f.words))
    if roll < 0.85:
        return " ".join(rng.choice(f.words) for _ in range(rng.randint(2, 8)))
    alphabet = rng.choice((string.printable[:95], string.ascii_lowercase + "   "))
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(6, 30)))


def _listing_fault(f: _Fault) -> str | None:
    rng = f.rng
    if rng.random() < 0.5 and f.book.operations:
        name = mixed_case(rng.choice(f.book.operations), rng)
        return context.listing(f.listed(name, f.some_operands()), rng)
    if rng.random() < 0.5:
        few = _too_few(f)
        return None if few is None else context.listing(few, rng)
    start, code = context.address(rng), context.code_bytes(rng)
    word, strange = rng.choice(f.words), rng.choice(("...", f".word 0x{code}", "(bad)", "???"))
    return rng.choice((f"{start}  {code}", f"{start} <{word}>:", f"{start}  {code}  {strange}"))


def _broken_notation(f: _Fault) -> str | None:
    """An assignment without its end, or with two."""
    rng = f.rng
    text = f.written(f.meaning(operands=2))
    if text is None or " = " not in text:
        return None
    roll = rng.random()
    if roll < 0.4:
        return text[: text.rindex(" ")]
    if roll < 0.7:
        return f"{text} {rng.choice(('+', '-', '=', ','))} {f.operand('register')}"
    return text.partition(" = ")[0] + " ="


FAULTS: Mapping[str, tuple[int, Callable[[_Fault], str | None]]] = {
    "unknown_operation": (14, _unknown_operation),
    "other_operation": (20, _other_operation),
    "ambiguous": (10, _ambiguous),
    "bad_register": (13, _bad_register),
    "out_of_range": (12, _out_of_range),
    "no_number": (8, _no_number),
    "memory": (8, _memory),
    "several": (8, _several),
    "hidden": (6, _hidden),
    "too_few": (14, _too_few),
    "too_many": (11, _too_many),
    "wrong_kind": (11, _wrong_kind),
    "bad_names": (8, _bad_names),
    "negated": (6, _negated),
    "prose": (14, _prose),
    "listing_fault": (6, _listing_fault),
    "broken_notation": (6, _broken_notation),
}
"""Kinds of faults, with weights."""

_WHOLE = frozenset(("several", "hidden", "prose", "listing_fault"))  # nothing is put around these


def any_refusal(
    rng: Random,
    isa: InstructionSet,
    book: Phrasebook,
    words: Sequence[str] = TRAINING_WORDS,
    *,
    kind: str | None = None,
) -> Candidate:
    """Draw a text that the lenient dialect refuses.

    Args:
        rng: Source of randomness.
        isa: The instruction set to break the rules of; it has a ``lenient.toml``.
        book: What may be said.
        words: Word list for labels and prose.
        kind: One of ``FAULTS``; None for any.

    Returns:
        The text and the kind of its fault. The strict dialect's parser may still take it: then the
        caller drops it.
    """
    if kind is None:
        kind = rng.choices(tuple(FAULTS), [weight for weight, _ in FAULTS.values()])[0]
    fault = _Fault(rng, isa, book, words)
    text = None
    while not text:
        text = FAULTS[kind][1](fault)
    if kind not in _WHOLE and rng.random() < 0.15:
        meaning = draw_meaning(rng, isa, words)
        manners = {rng.choice([m for m in MANNERS if m in ("residue", "remark", "comment")])}
        text, _ = around(text, rng, isa, meaning, manners, words)
    return Candidate(text, kind)
