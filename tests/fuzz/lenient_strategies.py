"""Hypothesis strategies for lenient texts: no parser knows them, so each brings its label.

In: nothing. Out: ``LENIENT_STRATEGIES``: name -> strategy of ``Labelled`` texts, phrases and words
held out from training.
"""

from collections.abc import Callable
from random import Random

from hypothesis import strategies as st

from kvrm_grammar.dialects.bare_code import split_label, without_comments
from kvrm_grammar.errors import LineTooLongError
from kvrm_grammar.isa import INVALID, load_set, operation_to_json
from kvrm_grammar.oracle.reference import parse
from tests.fuzz.campaign import Labelled
from training.texts.lenient.lexicon import HELD_OUT_LEXICON
from training.texts.lenient.refused import lenient_refusal
from training.texts.lenient.valid import lenient_variant, residue
from training.texts.strict.valid import decorate
from training.texts.strict.words import HELD_OUT_WORDS

__all__ = ["LENIENT_STRATEGIES", "same_meaning"]

ISA = load_set()
_SHORT = 200  # characters: there is room for what an edit adds


def _rendered(rng: Random) -> Labelled:
    while True:
        variant = lenient_variant(rng, ISA, HELD_OUT_WORDS, HELD_OUT_LEXICON)
        if len(variant.text) <= _SHORT:
            return Labelled(variant.text, operation_to_json(variant.operation))


def same_meaning(text: Labelled, rng: Random) -> Labelled:
    """Edit a text so that it means the same: blanks, a comment, a label in front, marks around."""
    line = text.rstrip("\r\n")
    plain = line.strip(" \t")  # without comment and label, marks may go around
    bare = split_label(without_comments(line, ISA), ISA) == (None, plain)
    edits: list[Callable[[], str]] = [
        lambda: line.replace(" ", "  ") if "'" not in line else line,
        lambda: f"  {line}\t",
        lambda: f"{line} ; {rng.choice(('done', 'r1 = r2', 'halt', 'add r1 r2 r3'))}",
        lambda: residue(line.strip(" \t"), rng, full_stop=False) if bare and line.strip() else line,
        lambda: decorate(line, rng, ISA, HELD_OUT_WORDS) if bare else line,
    ]
    return Labelled(rng.choice(edits)(), text.expected)


def _refused(rng: Random) -> Labelled:
    while True:
        text = lenient_refusal(rng, ISA, HELD_OUT_WORDS, HELD_OUT_LEXICON).text
        try:
            if parse(text) == INVALID:
                return Labelled(text, operation_to_json(INVALID))
        except LineTooLongError:
            continue


_RANDOMS = st.randoms(use_true_random=False)
LENIENT_STRATEGIES: dict[str, st.SearchStrategy[str]] = {
    "lenient": _RANDOMS.map(_rendered),
    "lenient, edited": _RANDOMS.map(lambda rng: same_meaning(_rendered(rng), rng)),
    "lenient refusals": _RANDOMS.map(_refused),
}
"""By name: texts of all kinds; the same after an edit that keeps the meaning; refusals."""
