"""Whether the grammar takes for a comment what ``isa.toml`` calls one, and nothing else.

In: a set. Out: a comparison. The model is shown a text without what ``isa.toml`` calls a comment,
the reference parser reads it whole: where the two differ, the model is asked about another text.
"""

from collections.abc import Iterator
from itertools import product
from random import Random
from string import punctuation

from kvrm_grammar.agreement.report import Comparison
from kvrm_grammar.dialects.bare_code import without_comments
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa import InstructionSet, OperationModel
from kvrm_grammar.isa.sampling import draw_text
from kvrm_grammar.oracle.reference import explain

__all__ = ["compare_comments"]

_NOTE = " note "
_MIRRORED = str.maketrans("([{<", ")]}>")
_DRAWN = 20
"""Instructions that declared comments are tried in."""


def compare_comments(isa: InstructionSet, rng: Random) -> Comparison:
    """Try every declared sign, and every one or two punctuation marks as an undeclared one.

    Args:
        isa: The set.
        rng: Draws the instructions.

    Returns:
        The comparison, a probe.
    """
    problems, count = dict[tuple[str, bool], str](), 0
    for number in range(_DRAWN):
        text, operation = draw_text(rng, isa)
        endings = (*_declared(text, isa), *(_undeclared(text) if number == 0 else ()))
        for sign, commented in endings:
            count += 1
            declared = without_comments(commented, isa).split() == text.split()
            if declared != (_meaning(commented, isa) == operation):
                source, other = ("isa.toml", "the grammar")[:: 1 if declared else -1]
                what = f"{commented!r}: {sign} starts a comment in {source}, not in {other}"
                problems.setdefault((sign, declared), what)
    return Comparison("comments", count, False, tuple(problems.values()))


def _declared(text: str, isa: InstructionSet) -> Iterator[tuple[str, str]]:
    """Each sign behind an instruction; a block before it and inside it too."""
    for sign in isa.comments.line:
        yield sign, f"{text} {sign}{_NOTE}"
    for begin, end in isa.comments.block:
        block = f"{begin}{_NOTE}{end}"
        yield begin, f"{text} {block}"
        yield begin, f"{block} {text}"
        if " " in text:
            yield begin, text.replace(" ", f" {block} ", 1)


def _undeclared(text: str) -> Iterator[tuple[str, str]]:
    for sign in (*punctuation, *map("".join, product(punctuation, repeat=2))):
        yield sign, f"{text} {sign}{_NOTE}"
        yield sign, f"{text} {sign}{_NOTE}{sign[::-1].translate(_MIRRORED)}"


def _meaning(text: str, isa: InstructionSet) -> OperationModel | None:
    try:
        return explain(text, isa).operation
    except InputError:
        return None
