"""Operation -> text, in the ways people and programs write it where no grammar minds.

In: a ``random.Random``, an ``InstructionSet`` and a lexicon. Out: ``Variant``: a
text, the operation it means, and the kinds of writing in it, which are those of the dialect's
table. Kinds combine: an English sentence with full-width digits in back-quotes. Texts that
must be refused come from :mod:`training.texts.lenient.refused`.
"""

from collections.abc import Sequence
from random import Random

from kvrm_grammar.isa import InstructionSet
from training.texts.lenient import context
from training.texts.lenient.forms import (
    FORMS,
    ORDERED_FORMS,
    Meaning,
    draw_meaning,
    write_form,
    write_spaced,
)
from training.texts.lenient.lexicon import TRAINING_LEXICON, Lexicon
from training.texts.lenient.spelling import Speller, fullwidth
from training.texts.strict.valid import Variant, decorate
from training.texts.strict.words import TRAINING_WORDS

__all__ = ["MANNERS", "lenient_variant", "residue"]

MANNERS: tuple[str, ...] = (
    "register_spelling",
    "immediate",
    "residue",
    "fullwidth",
    "spacing",
    "remark",
    "bare_label",
    "listing",
)
"""What changes the writing of any form, or stands around it."""

# Forms that stand behind a label without a colon, or in a listing.
_IN_COLUMNS = frozenset(("plain", "synonym", "two_operand"))
_ASSIGNMENTS = frozenset(("infix", "increment", "arrows"))
# Of two that do not go together, the one not asked for is left out.
_APART = (
    ("listing", "residue"),
    ("listing", "bare_label"),
    ("listing", "spacing"),
    ("bare_label", "spacing"),
    ("fullwidth", "listing"),
)
_LINE_ENDS = ("\\n", "\\n", "\\n\\t", "\\r\\n")  # of a string in C, as it is written there
# What a single word is when it stands behind another: a sentence rather than a label's line.
_SPOKEN = ("STOP", "EXIT")


def residue(text: str, rng: Random, *, full_stop: bool = True) -> str:
    """Leave the marks around a line that copying and listings leave; it has no line end.

    Args:
        text: The line.
        rng: Source of randomness.
        full_stop: Whether the mark may be one; behind a label it would belong to that.
    """
    single = " " not in text.strip()
    number = rng.randint(1, 400)
    forms = [
        f"`{text}`",
        f"'{text}'",
        f'"{text}"',
        f">>> {text}",
        f"{number} | {text}",
        f"{number % 40}. {text}",
        f"- {text}",
        f"0x{4 * rng.randint(0, 999):04x}: {text}",
        f"{number}: {text}",
        f"[{number % 100}] {text}",
        f"({number % 30 + 1}) {text}",
        f"| {text} |",
        f'"{text}{rng.choice(_LINE_ENDS)}"',
    ]
    if full_stop:
        forms.append(f"{text}.")
    if not single:  # one word with a colon behind it is a label definition
        forms.append(f"{text}:")
    return rng.choice(forms)


def lenient_variant(
    rng: Random,
    isa: InstructionSet,
    words: Sequence[str] = TRAINING_WORDS,
    lexicon: Lexicon = TRAINING_LEXICON,
    *,
    kind: str | None = None,
) -> Variant:
    """Draw one text of the lenient dialect with its meaning.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        words: Word list for labels.
        lexicon: Phrases of English.
        kind: A kind of ``FORMS`` or ``MANNERS`` that it must show; None for any.

    Returns:
        The text, its operation, and its kinds in order; a text in which nothing is lenient
        has the kind ``plain`` alone.
    """
    while True:
        variant = _attempt(rng, isa, words, lexicon, kind)
        if variant is not None and (kind is None or kind in variant.kinds):
            return variant


def _attempt(
    rng: Random, isa: InstructionSet, words: Sequence[str], lexicon: Lexicon, kind: str | None
) -> Variant | None:
    meaning = draw_meaning(rng, isa, words)
    form, manners = _chosen(rng, kind)
    if form in ("english", "frame") and "value" in meaning.values and rng.random() < 0.6:
        meaning = meaning.with_value(0 if rng.random() < 0.25 else rng.randint(0, 100))
    if form == "frame" and "value" in meaning.values and rng.random() < 0.2:
        meaning = meaning.with_value(1)  # a step of one is another operation
    spell = Speller(
        rng,
        registers="register_spelling" in manners,
        numbers="immediate" in manners,
        words=form == "english",
        prefixes=form in ORDERED_FORMS and "fullwidth" not in manners,
    )
    if "spacing" in manners and form in ORDERED_FORMS and not manners & {"register_spelling"}:
        text, kinds = write_spaced(rng, meaning, spell, lexicon), {"spacing"}
    else:
        text, kinds = write_form(form, rng, meaning, spell, lexicon), {form}
    if text is None:
        return None
    kinds |= spell.kinds
    text = _in_context(text, rng, meaning, manners, kinds, words, lexicon, isa)
    if "residue" in manners:
        text = _with_residue(text, rng, meaning, form)
        kinds.add("residue")
    if "fullwidth" in manners and "character" not in meaning.notations and not _has_label(meaning):
        wide = fullwidth(text, rng)
        kinds |= {"fullwidth"} if wide != text else set()
        text = wide
    if len(kinds) > 1:
        kinds.discard("plain")
    if rng.random() < 0.35:
        text = _decorated(text, rng, isa, words, label=kinds.isdisjoint(("bare_label", "listing")))
    return Variant(text, meaning.operation, tuple(sorted(kinds)))


def _chosen(rng: Random, kind: str | None) -> tuple[str, set[str]]:
    """A form, and manners that go with it and with each other."""
    forms = _IN_COLUMNS if kind in ("bare_label", "listing") else FORMS
    weights = {name: weight for name, (weight, _) in FORMS.items() if name in forms}
    form = kind if kind in FORMS else rng.choices(tuple(weights), tuple(weights.values()))[0]
    manners = {m for m in MANNERS if m == kind or rng.random() < 0.09}
    if form not in _IN_COLUMNS:
        manners -= {"bare_label", "listing"}
    for pair in _APART:
        if manners.issuperset(pair):
            manners -= {one for one in pair if one != kind}
    return form, manners


def _in_context(
    text: str,
    rng: Random,
    meaning: Meaning,
    manners: set[str],
    kinds: set[str],
    words: Sequence[str],
    lexicon: Lexicon,
    isa: InstructionSet,
) -> str:
    """What the manners put around a text; each is added to its kinds."""
    if "remark" in manners:
        said = context.remark_text(rng, isa.names, words, lexicon)
        # A block goes anywhere, but into no operand of several words.
        plain = kinds.isdisjoint(("register_spelling", "immediate", "english", "record", "spacing"))
        inner = context.within(text, said, rng) if plain and rng.random() < 0.25 else None
        if inner is None or "'" in text:
            inner = context.remark(text, said, rng, dashes=kinds.isdisjoint(_ASSIGNMENTS))
        text = inner
        kinds.add("remark")
    if "bare_label" in manners and text.upper() not in _SPOKEN:
        gap = rng.choice((" ", " ", " ", "  ", "\t", "    "))
        text = context.bare_label(rng, words) + gap + text
        kinds.add("bare_label")
    if "listing" in manners:
        text = context.listing(text, rng)
        kinds.add("listing")
    return text


def _decorated(
    text: str, rng: Random, isa: InstructionSet, words: Sequence[str], *, label: bool
) -> str:
    """The text with what the strict dialect lets stand around it; perhaps a label definition."""
    while True:
        found = decorate(text, rng, isa, words)
        if label or found.strip().startswith(text.strip()):
            return found


def _has_label(meaning: Meaning) -> bool:
    return isinstance(meaning.values.get("addr"), str)


def _with_residue(text: str, rng: Random, meaning: Meaning, form: str) -> str:
    """Marks around the line, or in front of its first word or its label."""
    first, blank, rest = text.partition(" ")
    roll = rng.random()
    at_label = _has_label(meaning) and text.endswith(str(meaning.values["addr"]))
    if at_label and roll < 0.4:
        name = str(meaning.values["addr"])
        return f"{text[: -len(name)]}{rng.choice('@@%&')}{name}"
    if first.upper() == meaning.opcode.mnemonic and roll < 0.4:
        return rng.choice(("OP_" + first.upper(), "." + first.lower())) + blank + rest
    return residue(text, rng, full_stop=not (at_label and form in ORDERED_FORMS))
