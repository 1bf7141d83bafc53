"""A family: one notation that no table names, as templates.

In: the files of ``phrases/families/``. Out: :class:`Family`. A file has a table for each family:
``group``, ``held_out``, ``joints`` (what stands between two operands of which one is too many),
lists of templates by operation, ``words`` and ``faults``. A list is a text, one item a line or
between double bars.

In a template ``{dest}``, ``{src}``, ``{src1}``, ``{src2}``, ``{value}`` and ``{addr}`` are
operands, ``{source}`` is ``{src}`` or ``{value}``; any other ``{name}`` is an item of the family's
``words``, of those for the operation where ``words`` has them by operation. ``[a|b]`` is a choice;
brackets without a bar, and bars outside of brackets, stand for themselves. ``{{`` and ``}}`` are
braces.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

__all__ = [
    "FAMILIES",
    "FAULT",
    "HELD_OUT_FAMILIES",
    "OPERANDS",
    "OTHER",
    "TRAINING_FAMILIES",
    "Family",
    "decided",
    "filled",
    "slots_of",
]

OPERANDS = frozenset(("dest", "src", "src1", "src2", "value", "addr"))
FAULT = frozenset("rstunmw")
"""Places of a hand-written fault: registers, numbers and a word."""
OTHER = "OTHER"
"""Instead of an operation: the words of operations and conditions that the machine lacks."""

_FOLDER = Path(__file__).resolve().parents[1] / "phrases" / "families"
_SHORT = {
    "MOV": "MOV_REG_IMM MOV_REG_REG",
    "ALU": "ADD SUB MUL",
    "STEP": "INC DEC",
    "IF": "JZ JNZ JS JNS",
    "NONE": "HALT NOP",
    "ALL": "MOV_REG_IMM MOV_REG_REG ADD SUB MUL INC DEC CMP JMP JZ JNZ JS JNS HALT NOP",
}
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_PLACE = re.compile(r"\{\{|\}\}|\{(\w+)\}")


@dataclass(frozen=True)
class Family:
    """One notation. Immutable.

    Attributes:
        name: Of the family.
        group: ``markup``, ``code``, ``mathematics``, ``language`` or ``speech``.
        held_out: Whether only evaluation may draw from it.
        joints: What stands between two operands, of which one is too many.
        templates: Operation without its ``OP_`` -> templates.
        words: Name -> operation, or nothing for any -> items.
        faults: Templates of texts that are refused: ``{r}``, ``{s}``, ``{t}`` and ``{u}`` are
            registers, ``{n}`` and ``{m}`` numbers from 2 to 99, ``{w}`` a word.
    """

    name: str
    group: str
    held_out: bool
    joints: tuple[str, ...]
    templates: Mapping[str, tuple[str, ...]]
    words: Mapping[str, Mapping[str, tuple[str, ...]]]
    faults: tuple[str, ...]


def _items(text: str) -> tuple[str, ...]:
    parts = (part.strip() for line in text.splitlines() for part in line.split(" || "))
    return tuple(part for part in parts if part)


def _operations(key: str) -> list[str]:
    return [one for part in key.split() for one in _SHORT.get(part, part).split()]


def _by_operation(table: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, text in table.items():
        for operation in _operations(key):
            found[operation] = (*found.get(operation, ()), *_items(text))
    return MappingProxyType(found)


def _family(name: str, table: dict[str, Any]) -> Family:
    words = {
        word: _by_operation(items) if isinstance(items, dict) else {"": _items(items)}
        for word, items in table.pop("words", {}).items()
    }
    return Family(
        name=name,
        group=table.pop("group"),
        held_out=table.pop("held_out", False),
        joints=tuple(table.pop("joints", (", ",))),
        faults=_items(table.pop("faults")),
        words=MappingProxyType(words),
        templates=_by_operation(table),
    )


def _read() -> Iterator[Family]:
    for path in sorted(_FOLDER.glob("*.toml")):
        for name, table in tomllib.loads(path.read_text("utf-8")).items():
            yield _family(name, table)


FAMILIES: Mapping[str, Family] = MappingProxyType({one.name: one for one in _read()})
"""All of them, by name."""
TRAINING_FAMILIES = tuple(name for name, one in FAMILIES.items() if not one.held_out)
HELD_OUT_FAMILIES = tuple(name for name, one in FAMILIES.items() if one.held_out)


def decided(template: str, family: Family, operation: str, rng: Random, other: str = "") -> str:
    """Put a family's words into a template and make its choices; places of operands stay.

    Args:
        template: Of the family.
        family: Gives the words.
        operation: Which words are meant, without ``OP_``.
        rng: Source of randomness.
        other: A name of words to be drawn from those of ``OTHER`` instead.
    """
    source = "value" if operation == "MOV_REG_IMM" else "src"
    text = template.replace("{source}", f"{{{source}}}")
    while place := next((m for m in _PLACE.finditer(text) if m[1] in family.words), None):
        table = family.words[place[1]]
        key = OTHER if place[1] == other else operation
        word = rng.choice(table[key] if key in table else table[""])
        text = text[: place.start()] + word + text[place.end() :]
    while choice := _CHOICE.search(text):
        text = text[: choice.start()] + rng.choice(choice[1].split("|")) + text[choice.end() :]
    return re.sub(r"[ \t]+", " ", text).strip()


def slots_of(template: str) -> list[str]:
    """The places of a decided template, in order, each once."""
    return list(dict.fromkeys(m[1] for m in _PLACE.finditer(template) if m[1] is not None))


def filled(template: str, texts: Mapping[str, str]) -> str:
    """Put the texts of operands into a decided template.

    >>> filled("{{op: inc, dest: {dest}}}", {"dest": "r5"})
    '{op: inc, dest: r5}'
    """
    return _PLACE.sub(lambda m: m[0][0] if m[1] is None else texts[m[1]], template)
