"""Faults of operands, for any set: one that is none, one too few or too many, one in a wrong place.

In: a :class:`Drawing`. Out: a text that is wrong in one operand, or None where the drawn meaning
has no such fault. :mod:`.faults` lists them beside the others.
"""

import json
import re
from collections.abc import Mapping, Sequence

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS
from kvrm_grammar.isa import Form, InstructionSet, Operand
from training.texts.any_set.drawing import SHORT, Drawing
from training.texts.any_set.meaning import Meaning, takes, takes_in_any_order
from training.texts.any_set.writing import Writing
from training.texts.lenient import refused_notations as templates
from training.texts.lenient.programs import KEYS, joined_record
from training.texts.lenient.spelling import any_of, phrase
from training.texts.operands import Kind, kind_of, range_of
from training.texts.strict.spelling import mixed_case

__all__ = [
    "bad_names",
    "bad_register",
    "memory",
    "no_number",
    "out_of_range",
    "too_few",
    "too_many",
    "wrong_kind",
]

_GAP = "\0"  # where an operand is left out
_STRANGE_NAMES = ("r33", "x32", "x33", "x99", "eax", "r15", "pc", "acc", "b3", "q1", "xl", "v0",
                  "rx", "f1", "ft0", "a9", "a8", "s12", "t7", "R99", "d4", "cc", "ax")  # fmt: skip


def _slot(f: Drawing, meaning: Meaning, *kinds: Kind) -> Operand | None:
    """An operand of one of these kinds that the form writes."""
    fitting = [slot for slot in meaning.slots if kind_of(slot) in kinds]
    return f.rng.choice(fitting) if fitting else None


def bad_register(f: Drawing) -> str | None:
    """A name that is no operand's, in a text of any form."""
    strange = [one for one in _STRANGE_NAMES if one.lower() not in
               {name.lower() for name in f.isa.spellings}]  # fmt: skip
    if f.book.short and f.rng.random() < SHORT / 2:
        return f.short_phrase(f.rng.choice(strange))
    meaning = f.meaning()
    slot = _slot(f, meaning, "register")
    if slot is None:
        return None
    # `jump to eax` has a label, `jr eax` has not.
    return f.written(meaning, {slot.name: f.rng.choice(strange)}, by_name=len(meaning.slots) == 1)


def out_of_range(f: Drawing) -> str | None:
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
    step = slot.domain.integers.step if slot.domain.integers is not None else 1
    if step > 1 and rng.random() < 0.4:  # between two of its steps
        value = rng.choice((rng.randint(0, 99), rng.randint(0, 2**16))) * step
        value += rng.randint(1, step - 1)
    return f.written(meaning, {slot.name: rng.choice((str(value), str(value), hex(value)))})


def _widest(isa: InstructionSet, form: Form, slot: Operand) -> tuple[int, int]:
    bounds = [range_of(slot)]
    for opcode, other in isa.by_mnemonic[form.mnemonic]:
        bounds += [range_of(o) for o in opcode.operands if o.name in other.operands
                   and o.domain.integers is not None]  # fmt: skip
    return min(low for low, _ in bounds), max(high for _, high in bounds)


def no_number(f: Drawing) -> str | None:
    """What cannot be read as a number or a target, in a text of any form."""
    meaning = f.meaning()
    slot = _slot(f, meaning, "immediate", "target")
    if slot is None:
        return None
    is_target = kind_of(slot) == "target"
    bad = f.filled(f.rng.choice(templates.BAD_TARGETS if is_target else templates.BAD_NUMBERS))
    # `jump to (a1) and link in a0` goes where a register says.
    return f.written(meaning, {slot.name: bad}, by_name=is_target and len(meaning.slots) < 3)


def memory(f: Drawing) -> str | None:
    """A place in memory where a register stands alone."""
    meaning = f.meaning()
    forms = [form for _, form in f.isa.by_mnemonic[meaning.form.mnemonic]]
    if any("(" in piece for form in forms for piece in form.pieces):
        return None
    slot = _slot(f, meaning, "register")
    if slot is None:
        return None
    r, n = f.operand("register"), f.rng.randint(0, 64)
    place = f.rng.choice((f"{n}({r})", f"[{r}]", f"[{r}+{n}]", f"({r})", f"*{r}", f"@{r}",
                          f"mem[{r}]", f"{n}({r})"))  # fmt: skip
    # `a0 = [a1]` loads.
    return f.written(meaning, {slot.name: place}, by_name=len(meaning.slots) == 2)


def too_few(f: Drawing) -> str | None:
    """An operand less than any form of the name takes; a phrase that ends too early."""
    rng, meaning = f.rng, f.meaning()
    kinds, words = meaning.kinds, f.words_of(meaning)
    own = meaning.form.mnemonic
    first = meaning.form is f.isa.by_mnemonic[own][0][1]
    fitting = f.book.phrases.get(own, ()) if first else ()
    if fitting and rng.random() < 0.35:
        text = f.book.wordings.said(phrase(any_of(fitting, rng), rng), rng)
        slots = [*re.finditer(r"\{(\w+)\}", text)]
        if len(slots) < len(kinds):
            return None
        kept = text[: slots[-1].start()].rstrip()
        last = next(slot for slot in meaning.slots if slot.name == slots[-1][1])
        if kind_of(last) == "target" and f.isa.is_label(kept.rpartition(" ")[2]):
            return None  # `jump to the address` has one
        return Writing(rng, f.isa, meaning, words, f.book).filled(kept)
    place = rng.randrange(len(kinds))
    if takes(f.isa, own, kinds[:place] + kinds[place + 1 :]) or _is_said_in_place(f, meaning):
        return None
    names = [name for i, name in enumerate(meaning.form.operands) if i != place]
    roll = rng.random()
    if roll < 0.3:
        values = {name: meaning.values[name] for name in names}
        return _by_name(f, meaning, [(name, words.of(name)) for name in names], values)
    if roll < 0.6:  # with its brackets, where it has some
        words.replaced = {meaning.form.operands[place]: _GAP}
        written = Writing(rng, f.isa, meaning, words, f.book).whole(mixed_case(own, rng))
        written = re.sub(rf"{_GAP}[ \t]*,[ \t]*", "", written)
        return re.sub(rf"[ \t]*,?[ \t]*{_GAP}", "", written)
    return f.listed(mixed_case(own, rng), [words.of(name) for name in names])


def _is_said_in_place(f: Drawing, meaning: Meaning) -> bool:
    """Whether English has the form of two registers with one alone: ``invert a0`` is a0 = ~a0."""
    if meaning.kinds != ["register", "register"]:
        return False
    own, last = meaning.form.mnemonic, f"{{{meaning.form.operands[1]}}}"
    said = [*f.book.phrases.get(own, ())]
    for composition in f.book.compositions:
        said += composition.expressions.get(own, ())
    return any(last not in text for text in said)


def _by_name(
    f: Drawing,
    meaning: Meaning,
    pairs: Sequence[tuple[str, str]],
    values: Mapping[str, object],
) -> str:
    """Operands by name: behind the mnemonic, in a record, or as an answer has their values."""
    rng, name = f.rng, mixed_case(meaning.form.mnemonic, f.rng)
    roll = rng.random()
    if roll < 0.15 and len(values) == len(pairs):
        answer = {"key": meaning.opcode.key, "params": dict(values)}
        return json.dumps(answer, separators=rng.choice(((",", ":"), (", ", ": "))))
    if roll < 0.5:
        return joined_record(rng, [(rng.choice(KEYS), name), *pairs])
    return f"{name} " + rng.choice((" ", ", ")).join(f"{one}={word}" for one, word in pairs)


def too_many(f: Drawing) -> str | None:
    """An operand more than any form of the name takes."""
    rng, meaning = f.rng, f.meaning(operands=0)
    kinds, words = meaning.kinds, f.words_of(meaning)
    extra: Kind = rng.choice(("register", "register", "immediate"))
    place = rng.randint(0, len(kinds))
    if takes_in_any_order(f.isa, meaning.form.mnemonic, [*kinds, extra]):
        return None  # in another order, but not one too many
    name = mixed_case(meaning.form.mnemonic, rng)
    if rng.random() < 0.4:  # with its brackets, where it has some
        whole = Writing(rng, f.isa, meaning, words, f.book).whole(name)
        comma = rng.choice((", ", ", ", ",", " ")) if kinds else " "
        return whole + comma + f.operand(extra)
    written = [words.of(name) for name in meaning.form.operands]
    written.insert(place, f.operand(extra))
    return f.listed(name, written)


def wrong_kind(f: Drawing) -> str | None:
    """A number where only a register stands, or a register or a word where only a number does."""
    rng, meaning = f.rng, f.meaning()
    kinds = meaning.kinds
    place = rng.randrange(len(kinds))
    wanted = kinds[place]
    others: dict[Kind, tuple[Kind, ...]] = {
        "register": ("immediate", "immediate", "target"),
        "immediate": ("register", "register", "target"),
        "target": ("register",),
    }
    other = rng.choice(others[wanted])
    if takes(f.isa, meaning.form.mnemonic, [*kinds[:place], other, *kinds[place + 1 :]]):
        return None
    word = rng.choice(f.words) if other == "target" else f.operand(other)
    if other == "target" and word in f.isa.spellings:
        return None  # which is a register after all
    if wanted != "register" and word.lower() in NUMBER_WORDS:
        return None  # which is of the wanted kind, even where it is a register's name
    # `a0 = 5` is another operation's right form, and so is `jump to loop`.
    by_name = other != "target" or len(kinds) == 1
    return f.written(meaning, {meaning.form.operands[place]: word}, by_name=by_name)


def bad_names(f: Drawing) -> str | None:
    """Operands by name: one twice, or a name that no operation has."""
    rng, meaning = f.rng, f.meaning(operands=2)
    words = f.words_of(meaning)
    pairs = [(name, words.of(name)) for name in meaning.form.operands]
    values = {name: meaning.values[name] for name in meaning.form.operands}
    place = rng.randrange(len(pairs))
    if rng.random() < 0.5:
        pairs.insert(rng.randint(0, len(pairs)), (pairs[place][0], f.operand("register")))
    else:
        own = {operand.name for opcode in f.isa.opcodes for operand in opcode.operands}
        known = own | lenient_data(f.isa).aliases.keys()
        faulty = [one for one in templates.FAULTY_NAMES if one not in known]
        own_name, word = pairs[place]
        pairs[place] = (rng.choice(faulty), word)
        values = {pairs[place][0] if o == own_name else o: value for o, value in values.items()}
    return _by_name(f, meaning, pairs, values)
