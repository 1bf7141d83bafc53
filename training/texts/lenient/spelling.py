"""How registers, numbers and names are spelled where no grammar minds.

In: a ``random.Random``. Out: the text of one operand or name, and the kind of its spelling.
Also what counts as a typing error of which mnemonic.
"""

import re
import string
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, product
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import number_words
from kvrm_grammar.isa import load_set
from training.texts.near import LONG, names_near
from training.texts.strict.faults import edit
from training.texts.strict.spelling import integer_text, mixed_case
from training.texts.strict.words import FOREIGN_MNEMONICS

__all__ = [
    "Speller",
    "any_of",
    "fullwidth",
    "in_any_case",
    "is_name",
    "operations_near",
    "phrase",
    "typing_error",
    "ways_of",
    "with_strange_character",
]

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_CONFUSABLE = dict(
    zip(
        "aceopsxijyAOMHICS",
        "\u0430\u0441\u0435\u043e\u0440\u0455\u0445\u0456\u0458\u0443\u0410\u041e\u041c\u041d\u0406\u0421\u0405",
        strict=True,
    )
)
_HIDDEN = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\x00")

_DATA = lenient_data(load_set())
OTHER_OPERATIONS, SYNONYMS = _DATA.other_operations, _DATA.synonyms
_OWN_NAMES = frozenset((*SYNONYMS, *(name for names in SYNONYMS.values() for name in names)))


class Speller:
    """Writes the operands of one text, all in one manner. Mutable: it notes the kinds.

    Args:
        rng: Source of randomness.
        registers: Whether registers are written in other ways than the grammar's.
        numbers: Whether numbers are.
        words: Whether small numbers may be words.
        prefixes: Whether a number may have a ``#``: where it stands behind a blank or comma.
    """

    def __init__(
        self,
        rng: Random,
        *,
        registers: bool = False,
        numbers: bool = False,
        words: bool = False,
        prefixes: bool = False,
    ) -> None:
        self.rng = rng
        self.kinds: set[str] = set()
        self._register = rng.choice(("%{r}{n}", "${r}{n}", "{reg}{n}", "{register} {n}", "{r} {n}"))
        self._registers, self._numbers, self._words = registers, numbers, words
        self._prefixes = prefixes
        self._case = rng.choice((str.lower, str.lower, str.upper))

    def register(self, name: str) -> str:
        """Write a register: one letter and a digit."""
        if not self._registers:
            return mixed_case(name, self.rng)
        self.kinds.add("register_spelling")
        return self._register.format(
            r=self._case(name[0]),
            n=name[1:],
            reg=self._case("reg"),
            register=self._case("register"),
        )

    def number(self, value: int, notation: str, *, immediate: bool = True) -> str:
        """Write a number.

        Args:
            value: The number.
            notation: One of the strict dialect's, for when nothing else is chosen.
            immediate: Whether signs and prefixes are allowed.
        """
        rng = self.rng
        if self._words and 0 <= value <= 100 and notation != "character" and rng.random() < 0.6:
            self.kinds.add("english")
            return self._case(number_words(value, rng.choice("- ")))
        if self._numbers and notation != "character":
            text = self._other_notation(value, immediate=immediate)
            if text:
                self.kinds.add("immediate")
                return text
        prefix = "#" if self._prefixes and immediate and rng.random() < 0.2 else ""
        return prefix + integer_text(value, notation, rng, sign=immediate)

    def _other_notation(self, value: int, *, immediate: bool) -> str | None:
        rng, size = self.rng, abs(value)
        hexadecimal = self._case(format(size, "x"))
        forms = []
        if immediate and value >= 0:
            forms.append(f"={value}")
        if value >= 0:
            forms += [
                f"{'' if hexadecimal[0].isdigit() else '0'}{hexadecimal}{self._case('h')}"
            ] * 2
            forms.append(f"${hexadecimal}")
            forms += [f"%{value:b}"] if value < 2**12 else []
        if size >= 1000:
            forms += [f"{value:_}"] * 2
        if value < 0:
            forms += [f"- {size}", f"\u2212{size}", f"\u2212 {size}"]
        return rng.choice(forms) if forms else None


def phrase(template: str, rng: Random) -> str:
    """Decide every ``[a|b]`` of a template and tidy its blanks; ``{name}`` stays.

    >>> phrase("[put] {value}  [in|in] {dest}", Random(0))
    'put {value} in {dest}'
    """
    chosen = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), template)
    return _tidy(chosen)


def ways_of(template: str) -> list[str]:
    """Every text that the choices of a template leave, ``[a|b]`` decided, ``{name}`` kept.

    >>> ways_of("[put|set] {value}")
    ['put {value}', 'set {value}']
    """
    pieces = _CHOICE.split(template)
    ways = [piece.split("|") if place % 2 else [piece] for place, piece in enumerate(pieces)]
    return [_tidy("".join(way)) for way in product(*ways)]


def _tidy(text: str) -> str:
    return re.sub(r" +(?=,)", "", re.sub(r" +", " ", text)).strip()


def any_of(templates: Sequence[str], rng: Random) -> str:
    """Draw a template and decide its choices; one with more of them stands for more texts.

    Args:
        templates: Where no bracket holds a bar, as in code, brackets stay.
        rng: Source of randomness.
    """
    chosen = rng.choices(templates, cum_weights=_weights(tuple(templates)))[0]
    return phrase(chosen, rng) if _choices(chosen) else chosen


def _choices(template: str) -> int:
    return sum("|" in options for options in _CHOICE.findall(template))


@cache
def _weights(templates: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(accumulate(1 + _choices(template) for template in templates))


def fullwidth(text: str, rng: Random) -> str:
    """Write letters, digits and commas in their full-width forms: all, or a part of the text."""
    wanted = rng.choice(
        (string.ascii_letters + string.digits + ",", string.digits, string.ascii_letters)
    )
    if rng.random() < 0.3:
        start = rng.randrange(len(text))
        end = rng.randint(start + 1, len(text))
        return text[:start] + _widened(text[start:end], wanted) + text[end:]
    return _widened(text, wanted)


def _widened(text: str, wanted: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if c in wanted else c for c in text)


def with_strange_character(text: str, rng: Random) -> str:
    """Put one character into a text, or in place of another, that looks like that or like none."""
    places = [i for i, c in enumerate(text) if c in _CONFUSABLE]
    if not places or rng.random() < 0.4:
        place = rng.randint(1, max(1, len(text) - 1))
        return text[:place] + rng.choice(_HIDDEN) + text[place:]
    chosen = rng.choice(places)
    return text[:chosen] + _CONFUSABLE[text[chosen]] + text[chosen + 1 :]


@cache
def _taken() -> frozenset[str]:
    synonyms = (name for names in SYNONYMS.values() for name in names)
    others = (*OTHER_OPERATIONS, *FOREIGN_MNEMONICS)
    return frozenset(name.upper() for name in (*SYNONYMS, *synonyms, *others))


def in_any_case(text: str, rng: Random) -> str:
    """A text whose first word is in any case, where that is a mnemonic or a synonym."""
    first, blank, rest = text.partition(" ")
    return (mixed_case(first, rng) if first.upper() in _OWN_NAMES else first) + blank + rest


def is_name(word: str) -> bool:
    """Whether a word names something already, here or on another machine."""
    return word.upper() in _taken()


def operations_near(word: str) -> list[str]:
    """Mnemonics of the operations of which a word may be a typing error.

    >>> operations_near("subtrcat"), operations_near("jmpn")
    (['SUB'], ['JMP', 'JNZ'])
    """
    return names_near(word, load_set())


def typing_error(rng: Random, candidates: int, mnemonic: str | None = None) -> str:
    """Misspell a mnemonic, or a long synonym of it, by one edit of letters.

    Args:
        rng: Source of randomness.
        candidates: 1 for a word that is one edit from exactly one operation, 2 for one that is
            one edit from several.
        mnemonic: Of which operation; None for any.

    Returns:
        The word, in lower case; nothing that is a mnemonic, a synonym or another machine's.
    """
    names = tuple(SYNONYMS)
    while True:
        meant = mnemonic or rng.choice(names)
        longer = [name for name in SYNONYMS[meant] if len(name) >= LONG]
        known = rng.choice(longer) if longer and rng.random() < 0.4 else meant
        word = edit(known.lower(), rng, string.ascii_lowercase)
        if is_name(word) or not word:
            continue
        near = operations_near(word)
        if (len(near) == 1) if candidates == 1 else (len(near) >= 2):
            return word
