"""Texts that look like something the lenient dialect reads, and must be refused, for any set.

In: a ``random.Random``, an instruction set and a phrasebook. Out: ``Candidate``: a text and the
kind of its fault. Each is wrong by its making: one operand, one word or one character away from a
text that would be read, and written in the same forms, so that only the fault tells them apart.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.errors import DataError
from kvrm_grammar.isa import InstructionSet
from training.texts.any_set import operand_faults
from training.texts.any_set.drawing import Drawing
from training.texts.any_set.meaning import Meaning, Phrasebook, draw_meaning, kinds_of
from training.texts.any_set.notations import in_notation, notation
from training.texts.any_set.spelling import Words, is_taken, misspelt
from training.texts.any_set.variants import around, listing, plain_label
from training.texts.any_set.writing import Writing, in_speech
from training.texts.lenient import context
from training.texts.lenient.programs import KEYS, joined_record
from training.texts.lenient.spelling import any_of, with_strange_character
from training.texts.near import names_near, others_near
from training.texts.strict.refused import Candidate
from training.texts.strict.spelling import mixed_case
from training.texts.strict.words import PROSE, TRAINING_WORDS

__all__ = ["FAULTS", "any_refusal"]

_TRIES = 20_000  # of a fault that most meanings cannot have
_NEAR = 0.6  # how many operations of other machines are an edit from one of the set's
_JOINTS = ("\n", "\n", "\r\n", " and then ", ", then ", " | ", " && ", "; ")
_NEGATIONS = ("do not ", "don't ", "never ", "no need to ", "avoid ", "without ", "unless you ")
_OTHER_SIGNS = ("**", "~^", "&&", "||", "<=>", "??", "\\", "!?", "!!", "^^")


def _other_operation(f: Drawing) -> str | None:
    if not f.book.operations:
        return None
    rng, roll = f.rng, f.rng.random()
    near = others_near(f.book.operations, f.isa)
    if near and rng.random() < _NEAR:  # a typing error, were it no name: with operands that fit
        word, own = rng.choice(near)
        meaning, name = draw_meaning(rng, f.isa, f.words, named=(own,)), mixed_case(word, rng)
        said = f.words_of(meaning, prefixes=True)
        operands = [said.of(operand) for operand in meaning.form.operands]
        text = Writing(rng, f.isa, meaning, said, f.book).whole(name)
        if rng.random() < 0.25:
            text = f.listed(name, operands)
    else:
        name, operands = mixed_case(rng.choice(f.book.operations), rng), f.some_operands()
        text = f.listed(name, operands)
    if roll < 0.6:
        return text
    if roll < 0.68:
        labels = [operand.name for operand in f.meaning().opcode.operands]
        return joined_record(rng, [(rng.choice(KEYS), name), *zip(labels, operands, strict=False)])
    if roll < 0.8:
        return listing(text, rng, f.words)
    if roll < 0.86:
        return f"{plain_label(rng, f.isa, f.words)} {text}"
    if roll < 0.92:
        return f"{name} {f.whole()}"
    if not text.startswith(name):
        return text
    return rng.choice(("OP_" + name.upper(), "." + name.lower())) + text[len(name) :]


def _unknown_operation(f: Drawing) -> str:
    rng, roll = f.rng, f.rng.random()
    if f.book.others and roll < 0.4:
        told = f.book.wordings.said(any_of(f.book.others, rng), rng)
        return in_speech(f.filled(told, spelled=True), rng)
    if f.book.notations and roll < 0.75:
        return f.filled(in_notation(rng.choice(f.book.notations), rng), spelled=True)
    if roll < 0.87:
        r, s, t = (f.operand("register") for _ in range(3))
        return f"{r} {rng.choice(('=', ':=', '<-'))} {s} {rng.choice(_OTHER_SIGNS)} {t}"
    while True:
        word = rng.choice(f.words)
        if not (is_taken(word, f.isa) or names_near(word, f.isa)):
            return f.listed(word, [f.operand("register") for _ in range(rng.choice((2, 3)))])


def _ambiguous(f: Drawing) -> str | None:
    meaning = f.meaning(operands=0)
    word = misspelt(f.rng, f.isa, meaning.form.mnemonic, 2)
    if word is None or len(_readings(word, meaning, f.isa)) < 2:
        return None
    w = Writing(f.rng, f.isa, meaning, f.words_of(meaning), f.book)
    return w.whole(mixed_case(word, f.rng))


def _readings(word: str, meaning: Meaning, isa: InstructionSet) -> set[object]:
    """What a misspelt word may mean in front of operands of these kinds.

    ``oro`` is near ``or`` and ``ori``, but ``oro x1, x2, 3`` is ``ori`` in either way. A name
    without such a form counts: the word alone is what is ambiguous.
    """
    return {
        next(
            (
                (opcode.key, form.operands, form.implied)
                for opcode, form in isa.by_mnemonic[name]
                if kinds_of(opcode, form) == meaning.kinds
            ),
            name,
        )
        for name in names_near(word, isa)
    }


def _several(f: Drawing) -> str:
    # Behind the set's own sign of a comment, the second would be none; behind one that is of the
    # lenient dialect alone it is a second one, where the strict dialect takes it.
    signs, joint = f.isa.comments.line, f.rng.choice(_JOINTS)
    while joint.strip() in signs:
        joint = f.rng.choice(_JOINTS)
    if joint.strip() in lenient_data(f.isa).comments:
        meaning = f.meaning(operands=0)
        plain = Writing(f.rng, f.isa, meaning, Words(f.rng, f.isa, meaning), f.book)
        return _unended(f) + joint + plain.whole(plain.name())
    return _unended(f) + joint + _unended(f)


def _unended(f: Drawing) -> str:
    """A right text without a mark of its end, which would make a comment of what follows."""
    return f.whole().rstrip("; ")


def _hidden(f: Drawing) -> str:
    return with_strange_character(f.whole(), f.rng)


def _negated(f: Drawing) -> str | None:
    text = f.written(f.meaning())
    return None if text is None else f.rng.choice(_NEGATIONS) + text[:1].lower() + text[1:]


def _prose(f: Drawing) -> str:
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


def _listing_fault(f: Drawing) -> str | None:
    rng = f.rng
    if rng.random() < 0.5 and f.book.operations:
        name = mixed_case(rng.choice(f.book.operations), rng)
        return listing(f.listed(name, f.some_operands()), rng, f.words)
    if rng.random() < 0.5:
        few = operand_faults.too_few(f)
        return None if few is None else listing(few, rng, f.words)
    start, code = context.address(rng), context.code_bytes(rng)
    word, strange = rng.choice(f.words), rng.choice(("...", f".word 0x{code}", "(bad)", "???"))
    return rng.choice((f"{start}  {code}", f"{start} <{word}>:", f"{start}  {code}  {strange}"))


def _broken_notation(f: Drawing) -> str | None:
    """An assignment without its end, or with two."""
    rng = f.rng
    meaning = f.meaning(operands=2)
    text = notation(Writing(rng, f.isa, meaning, f.words_of(meaning), f.book))
    if text is None or " = " not in text:
        return None
    roll = rng.random()
    if roll < 0.4:
        return text[: text.rindex(" ")]
    if roll < 0.7:  # behind `a = b`, a plus would be an addition
        signs = ("=", ",") if len(meaning.form.operands) == 2 else ("+", "-", "=", ",")
        return f"{text} {rng.choice(signs)} {f.operand('register')}"
    return text.partition(" = ")[0] + " ="


FAULTS: Mapping[str, tuple[int, Callable[[Drawing], str | None]]] = {
    "unknown_operation": (14, _unknown_operation),
    "other_operation": (20, _other_operation),
    "ambiguous": (14, _ambiguous),
    "bad_register": (13, operand_faults.bad_register),
    "out_of_range": (16, operand_faults.out_of_range),
    "no_number": (8, operand_faults.no_number),
    "memory": (8, operand_faults.memory),
    "several": (8, _several),
    "hidden": (6, _hidden),
    "too_few": (14, operand_faults.too_few),
    "too_many": (11, operand_faults.too_many),
    "wrong_kind": (11, operand_faults.wrong_kind),
    "bad_names": (8, operand_faults.bad_names),
    "negated": (6, _negated),
    "prose": (14, _prose),
    "listing_fault": (6, _listing_fault),
    "broken_notation": (6, _broken_notation),
}
"""Kinds of faults, with weights."""

_WHOLE = frozenset(("several", "hidden", "prose", "listing_fault"))  # nothing is put around these
_ASIDE = ("residue", "remark", "comment", "wrapped", "wrapped")


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

    Raises:
        DataError: The set has no text with this fault.
    """
    if kind is None:
        kind = rng.choices(tuple(FAULTS), [weight for weight, _ in FAULTS.values()])[0]
    fault = Drawing(rng, isa, book, words)
    tries = (FAULTS[kind][1](fault) for _ in range(_TRIES))
    text = next(filter(None, tries), None)
    if text is None:
        raise DataError(f"no text of this set can have the fault {kind}")
    if kind not in _WHOLE and rng.random() < 0.2:
        aside = rng.choice(_ASIDE)
        text, _ = around(text, rng, isa, None, {aside}, words, unnamed=book.unnamed)
    return Candidate(text, kind)
