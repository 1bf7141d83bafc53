"""Operation -> text, in the ways people and programs write it, for any set.

In: a ``random.Random``, an instruction set and a phrasebook. Out: ``Variant``: a text, what it
means, and the kinds of writing in it. A form says how operation and operands stand together, a
manner changes the writing of any form or stands around it.
"""

import re
from collections.abc import Sequence
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import NUMBER_WORDS
from kvrm_grammar.isa import InstructionSet
from training.texts.any_set.drawing import SHORT
from training.texts.any_set.forms import FORMS, NAMING_FORMS, ORDERED_FORMS, write_form
from training.texts.any_set.meaning import Meaning, Phrasebook, draw_meaning, short_meaning
from training.texts.any_set.spelling import Words, is_taken
from training.texts.any_set.unnamed import Unnamed, address_of_a_tool, listing_of_a_tool
from training.texts.any_set.writing import Writing
from training.texts.lenient import context
from training.texts.lenient.spelling import fullwidth
from training.texts.lenient.valid import residue
from training.texts.near import names_near
from training.texts.operands import kind_of, range_of
from training.texts.strict.valid import Variant
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["MANNERS", "any_variant", "around", "listing", "plain_label"]

MANNERS: tuple[str, ...] = (
    "register_spelling",
    "immediate",
    "residue",
    "fullwidth",
    "remark",
    "comment",
    "bare_label",
    "listing",
    "wrapped",
)
"""What changes the writing of any form, or stands around it."""

_IN_COLUMNS = frozenset(("plain", "synonym"))  # what stands behind a bare label, or in a listing
_PREFIXED = 0.3  # how often a residue is `OP_ADD` or `.add`
_APART = (
    ("listing", "residue"),
    ("listing", "bare_label"),
    ("fullwidth", "listing"),
    ("remark", "comment"),
    ("bare_label", "residue"),
    *(("wrapped", other) for other in ("residue", "remark", "comment", "bare_label", "listing")),
)
# A misspelt name that implies an operand is known where it is first alone.
_WRAPPED = NAMING_FORMS - {"record", "typo"} | {"notation"}


def any_variant(
    rng: Random,
    isa: InstructionSet,
    book: Phrasebook,
    words: Sequence[str] = TRAINING_WORDS,
    *,
    kind: str | None = None,
) -> Variant:
    """Draw one lenient text of a set, with its meaning.

    Args:
        rng: Source of randomness.
        isa: The instruction set; it has a ``lenient.toml``.
        book: What may be said.
        words: Word list for labels and remarks.
        kind: A kind of ``FORMS`` or ``MANNERS`` that it must show; None for any.

    Returns:
        The text, its operation, and its kinds in order; a text in which nothing is lenient has the
        kind ``plain`` alone.
    """
    while True:
        variant = _attempt(rng, isa, book, words, kind)
        if variant is not None and (kind is None or kind in variant.kinds):
            return variant


def _attempt(
    rng: Random, isa: InstructionSet, book: Phrasebook, words: Sequence[str], kind: str | None
) -> Variant | None:
    form, manners = _chosen(rng, kind)
    named = {"english": book.phrases, "notation": lenient_data(isa).notations}.get(form, ())
    if form in ("english", "notation") and not named:
        return None
    short = None
    if form == "english" and book.short and rng.random() < SHORT:
        short = rng.choice(book.short)
        meaning = short_meaning(rng, isa, words, *short)
    else:
        meaning = draw_meaning(rng, isa, words, named=tuple(named))
    if "listing" in manners:
        meaning = _placed(meaning, rng, isa)
    spell = Words(
        rng,
        isa,
        meaning,
        registers="register_spelling" in manners,
        numbers="immediate" in manners,
        words=form == "english",
        prefixes=form in ORDERED_FORMS,
    )
    w = Writing(rng, isa, meaning, spell, book)
    written = w.said(short[1]) if short is not None else write_form(form, w)
    if written is None:
        return None
    kinds: set[str] = set()
    if "residue" in manners and form in NAMING_FORMS and rng.random() < _PREFIXED:
        prefixed = _prefixed(written, w.own, rng)
        if prefixed is not None:
            written, manners, kinds = prefixed, manners - {"residue"}, {"residue"}
    text, shown = around(written, rng, isa, meaning, manners, words, unnamed=book.unnamed)
    kinds |= shown | spell.kinds | {form}
    if len(kinds) > 1:
        kinds.discard("plain")
    return Variant(text, meaning.operation, tuple(sorted(kinds)))


def _placed(meaning: Meaning, rng: Random, isa: InstructionSet) -> Meaning:
    """The same with a target where programs of listings are, most often."""
    targets = [slot for slot in meaning.slots if kind_of(slot) == "target"]
    if not targets or targets[0].domain.integers is None or rng.random() < 0.3:
        return meaning
    low, high = range_of(targets[0])
    place = address_of_a_tool(rng, targets[0].domain.integers.step)
    return meaning.with_values(isa, **{targets[0].name: place}) if low <= place <= high else meaning


def _prefixed(text: str, mnemonic: str, rng: Random) -> str | None:
    """With what code and directives have in front of a name; None where no mnemonic is in front."""
    name, behind = text[: len(mnemonic)], text[len(mnemonic) :]
    if name.upper() != mnemonic.upper() or behind[:1].isalnum():
        return None
    return rng.choice(("OP_" + name.upper(), "." + name.lower())) + behind


def _chosen(rng: Random, kind: str | None) -> tuple[str, set[str]]:
    """A form, and manners that go with it and with each other."""
    only = {"bare_label": _IN_COLUMNS, "listing": _IN_COLUMNS, "wrapped": _WRAPPED}
    forms = only.get(kind or "", FORMS.keys())
    weights = {name: weight for name, (weight, _) in FORMS.items() if name in forms}
    form = (
        kind
        if kind is not None and kind in FORMS
        else rng.choices(tuple(weights), tuple(weights.values()))[0]
    )
    manners = {m for m in MANNERS if m == kind or rng.random() < 0.08}
    if form not in _IN_COLUMNS:
        manners -= {"bare_label", "listing"}
    if form not in _WRAPPED:
        manners -= {"wrapped"}
    if form == "english":
        manners -= {"residue"} if kind != "residue" else set()
    for pair in _APART:
        if manners.issuperset(pair):
            manners -= {one for one in pair if one != kind}
    return form, manners


def around(
    text: str,
    rng: Random,
    isa: InstructionSet,
    meaning: Meaning | None,
    manners: set[str],
    words: Sequence[str],
    *,
    unnamed: Unnamed,
) -> tuple[str, set[str]]:
    """What the manners put around a text, and which of them it shows; None means nothing."""
    kinds: set[str] = set()
    has_label = meaning is None or meaning.has_label
    if "remark" in manners and "--" not in text:
        text = context.remark(text, _said(rng, isa, words), rng, dashes="=" not in text)
        kinds.add("remark")
    if "comment" in manners and (signs := lenient_data(isa).comments):
        text += rng.choice((" ", "  ", "\t")) + f"{rng.choice(signs)} {_said(rng, isa, words)}"
        kinds.add("comment")
    if "bare_label" in manners and " " in text:
        text = plain_label(rng, isa, words) + rng.choice((" ", " ", "  ", "\t", "    ")) + text
        kinds.add("bare_label")
    if "listing" in manners:
        # A target in front of a remark is not the last word.
        ends = kinds.isdisjoint(("remark", "comment"))
        shown = _with_symbol(text, rng, meaning, words) if meaning and ends else text
        text = listing(shown, rng, words)
        kinds.add("listing")
    if "wrapped" in manners and not text.endswith("."):  # of a label
        text = unnamed.wrapped(text, rng)
        kinds.add("wrapped")
    if "residue" in manners and " " in text.strip() and not text.endswith(tuple("'\"")):
        text = residue(text, rng, full_stop=not has_label)
        kinds.add("residue")
    if "fullwidth" in manners and not has_label and "'" not in text:
        wide = fullwidth(text, rng)
        kinds |= {"fullwidth"} if wide != text else set()
        text = wide
    return text, kinds


def listing(text: str, rng: Random, words: Sequence[str]) -> str:
    """A line of a listing: address, bytes, instruction; or as a tool of its own writes it."""
    if rng.random() < 0.5:
        return listing_of_a_tool(text, rng, words)
    return context.listing(text, rng)


def _said(rng: Random, isa: InstructionSet, words: Sequence[str]) -> str:
    # `; ret` is a second instruction, and no comment.
    said = [word for word in rng.choices(words, k=rng.randint(1, 3)) if not is_taken(word, isa)]
    if rng.random() < 0.4:
        said.insert(rng.randint(0, len(said)), rng.choice((*isa.names, str(rng.randint(0, 99)))))
    return " ".join(said) or str(rng.randint(0, 99))


def _with_symbol(text: str, rng: Random, meaning: Meaning, words: Sequence[str]) -> str:
    """A numeric target as a disassembler writes it: an address, and where that is."""
    for slot in meaning.slots:
        value = meaning.values[slot.name]
        if kind_of(slot) != "target" or not isinstance(value, int) or rng.random() < 0.2:
            continue
        head = re.match(r"(.*[ \t,])[^ \t,]+\Z", text, re.DOTALL)
        if head is None or slot is not meaning.slots[-1]:
            continue
        place = rng.choice(words) + rng.choice(("", f"+0x{rng.randrange(1, 999):x}"))
        return f"{head[1]}{value:x} <{place}>"
    return text


def plain_label(rng: Random, isa: InstructionSet, words: Sequence[str]) -> str:
    """A label as it stands in the first column, that names nothing and misspells nothing."""
    spoken = lenient_data(isa).no_labels
    while True:
        word = context.bare_label(rng, words)
        low = word.lower()
        if not (is_taken(word, isa) or names_near(word, isa) or low in spoken | {*NUMBER_WORDS}):
            return word
