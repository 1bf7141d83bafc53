"""Texts near a given one, for training on what went wrong without the very lines.

In: a text and a ``random.Random``. Out: texts of the same shape with other operands, other
letters and digits, and now and then one edit. What each means, the reference parser says.
"""

import re
import string
from itertools import cycle
from pathlib import Path
from random import Random

from kvrm_grammar.errors import DataError
from kvrm_grammar.isa import InstructionSet, load_set
from training.data.examples import Example
from training.data.files import read_json_lines
from training.data.strict import judged
from training.texts.strict.faults import KEYBOARD, edit
from training.texts.strict.refused import Candidate

__all__ = ["neighbour", "neighbours_of_file"]

_PIECE = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]")
_KEPT = 0.7  # of the pieces
_EDITED = 0.3  # of the neighbours


def neighbours_of_file(
    path: Path, count: int, seed: int, *, isa: InstructionSet | None = None
) -> list[Example]:
    """Draw neighbours of every text in a file of disagreements.

    Args:
        path: JSON Lines with a ``text`` each, such as tests/fuzz/corpus has.
        count: How many in all, the same number for each text.
        seed: The same seed gives the same examples.
        isa: The instruction set whose parser judges; None for the packaged one.

    Returns:
        Examples, none of them a text of the file, of kind ``extra``.

    Raises:
        DataError: The file is missing, empty, or a line has no text.
    """
    texts = [_text(path, number, row) for number, row in read_json_lines(path)]
    if not texts:
        raise DataError(f"{path} has no lines")
    isa = isa or load_set()
    rng, drawn = Random(seed), list[Example]()
    sources = cycle(texts)
    while len(drawn) < count:
        example = judged(Candidate(neighbour(next(sources), rng, isa), "extra"), isa)
        if example is not None and example.text not in texts:
            drawn.append(example)
    return drawn


def _text(path: Path, number: int, row: object) -> str:
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str):
        raise DataError(f"{path}:{number}: no text")
    return text


def neighbour(text: str, rng: Random, isa: InstructionSet | None = None) -> str:
    """Write a text anew: names, digits and letters change, its shape mostly does not.

    Args:
        text: Any text.
        rng: Source of randomness.
        isa: The instruction set; None for the packaged one.

    >>> neighbour("jmp loop", Random(4)) != neighbour("jmp loop", Random(5))
    True
    """
    isa = isa or load_set()
    names = {opcode.mnemonic for opcode in isa.opcodes}
    pieces = [
        piece if rng.random() < _KEPT else _other(piece, rng, isa, names)
        for piece in _PIECE.findall(text)
    ]
    written = "".join(pieces)
    return edit(written, rng, KEYBOARD) if rng.random() < _EDITED else written


def _other(piece: str, rng: Random, isa: InstructionSet, names: set[str]) -> str:
    """A piece of the same kind."""
    if piece.upper() in names:
        other = rng.choice(isa.opcodes).mnemonic
        return other if piece.isupper() else other.lower()
    if piece.isdigit() and piece.isascii():
        digits = "01" if set(piece) <= set("01") else string.digits  # binary stays binary
        # Each digit with even odds, so that leading ones often stay.
        return "".join(d if rng.random() < 0.5 else rng.choice(digits) for d in piece)
    if piece.isalpha() and piece.isascii():
        if rng.random() < 0.3:
            return piece.swapcase()
        if len(piece) == 1:  # the r of a register, the x of a notation
            return piece
        return "".join(c if rng.random() < 0.5 else rng.choice(_like(c)) for c in piece)
    return piece


def _like(character: str) -> str:
    return string.ascii_uppercase if character.isupper() else string.ascii_lowercase
