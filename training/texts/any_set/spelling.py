"""How operands and names of any set are spelled where no grammar minds.

In: a ``random.Random`` and an instruction set. Out: the words of one text's operands, all in one
manner, and what a mnemonic may be misspelt as.
"""

import re
import string
from collections.abc import Mapping
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data, operation_names
from kvrm_grammar.dialects.lenient.words import number_words
from kvrm_grammar.isa import InstructionSet, Operand
from training.texts.any_set.meaning import Meaning
from training.texts.lenient.spelling import Speller
from training.texts.near import LONG, names_near
from training.texts.operands import kind_of
from training.texts.strict.faults import edit
from training.texts.strict.valid import written_operand

__all__ = ["Words", "is_taken", "misspelt"]

_NUMBERED = re.compile(r"[A-Za-z]+[0-9]+")


class Words:
    """Writes the operands of one text. Mutable: it notes the kinds of writing.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        meaning: What is written.
        registers: Whether registers are written in other ways than the grammar's.
        numbers: Whether numbers are.
        words: Whether small numbers may be words.
        prefixes: Whether a number may have a ``#``: where it stands behind a blank or a comma.
        replaced: Operand -> what stands in its place.
    """

    def __init__(
        self,
        rng: Random,
        isa: InstructionSet,
        meaning: Meaning,
        *,
        registers: bool = False,
        numbers: bool = False,
        words: bool = False,
        prefixes: bool = False,
        replaced: Mapping[str, str] | None = None,
    ) -> None:
        self.rng, self.isa, self.meaning = rng, isa, meaning
        self.kinds: set[str] = set()
        self._speller = Speller(rng, words=False)
        self._registers, self._numbers, self._words = registers, numbers, words
        signs = isa.comments
        self._prefixes = prefixes and (signs.operand_sign == "#" or "#" not in signs.line)
        self._manner = rng.choice(("%{}", "${}", "{}", "{}", "register {}", "reg {}"))
        self._case = rng.choice((str.upper, str.upper, str.lower))
        if self._manner == "{}":
            self._case = str.upper
        self.replaced = replaced or {}

    def of(self, name: str) -> str:
        """The word of an operand."""
        if name in self.replaced:
            return self.replaced[name]
        operand = next(one for one in self.meaning.opcode.operands if one.name == name)
        value = self.meaning.values[name]
        if isinstance(value, str) and not operand.domain.has_labels:
            return self.register(operand, value)
        if isinstance(value, int):
            text = self._number(operand, value)
            return text if self._prefixes else text.removeprefix("#")
        return str(value)

    @property
    def are_bare(self) -> bool:
        """Whether registers have nothing around them, and none is replaced."""
        return not self.replaced and (not self._registers or self._manner == "{}")

    def register(self, operand: Operand, name: str) -> str:
        """One name of an operand."""
        word = written_operand(operand, name, "register", self.rng)
        if not self._registers:
            return word
        self.kinds.add("register_spelling")
        return self._manner.format(self._case(word))

    def _number(self, operand: Operand, value: int) -> str:
        rng, notation = self.rng, self.meaning.notations[operand.name]
        if self._words and 0 <= value <= 100 and notation != "character" and rng.random() < 0.5:
            word = number_words(value, rng.choice("- "))
            if word not in self.isa.spellings:  # "zero" is a register of some sets
                return word
        if self._numbers and notation != "character":
            text = self._other_notation(value, signed=kind_of(operand) == "immediate")
            if text:
                self.kinds.add("immediate")
                return text
        return written_operand(operand, value, notation, rng)

    def _other_notation(self, value: int, *, signed: bool) -> str | None:
        digits = format(abs(value), "x")
        digits = digits.upper() if self.rng.random() < 0.5 else digits
        forms = []
        if value >= 0:
            forms += [f"{'' if digits[0].isdigit() else '0'}{digits}h"] * 2
            forms += [f"0o{value:o}"] if value < 2**12 else []
            forms += [f"#{value}"] * 2 if signed and self._prefixes else []
        if abs(value) >= 1000:
            forms += [f"{value:_}"] * 2
        if value < 0:
            forms += [f"\u2212{-value}", f"- {-value}"]
        return self.rng.choice(forms) if forms else None


def is_taken(word: str, isa: InstructionSet) -> bool:
    """Whether a word names an operation or an operand already, here or on another machine."""
    low, others = word.lower(), lenient_data(isa).all_other_operations
    if word.upper() in operation_names(isa) or low in others:
        return True
    return any(low == name.lower() for name in isa.spellings)


def misspelt(rng: Random, isa: InstructionSet, mnemonic: str, candidates: int) -> str | None:
    """Misspell a mnemonic, or a long synonym of it, by one edit of letters.

    Args:
        rng: Source of randomness.
        isa: The instruction set.
        mnemonic: Of which operation.
        candidates: 1 for a word that is one edit from this mnemonic alone, 2 for one that is one
            edit from several.

    Returns:
        The word in lower case; None where none was found in a few tries.
    """
    longer = [word for word in lenient_data(isa).synonyms.get(mnemonic, ()) if len(word) >= LONG]
    for _ in range(8):
        known = rng.choice(longer) if longer and rng.random() < 0.3 else mnemonic
        word = edit(known.lower(), rng, string.ascii_lowercase)
        if len(word) < 2 or is_taken(word, isa) or _NUMBERED.fullmatch(word):
            continue
        near = names_near(word, isa)
        if near == [mnemonic] if candidates == 1 else len(near) >= 2:
            return word
    return None
