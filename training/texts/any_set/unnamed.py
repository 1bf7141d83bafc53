"""Notations that no table names, for any set: around a line, of a list, of a computation, of tools.

In: the templates of ``unnamed.toml``. Out: :class:`Unnamed`, what training or evaluation alone may
write, and texts of it.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from training.texts.strict.spelling import mixed_case

__all__ = [
    "Listed",
    "Unnamed",
    "address_of_a_tool",
    "listing_of_a_tool",
    "read_unnamed",
]

_FILE = Path(__file__).with_name("unnamed.toml")
_BASES = (0, 0x100, 0x10000, 0x400000, 0x80000000)


@dataclass(frozen=True)
class Listed:
    """How a name and operands are listed. Immutable.

    Attributes:
        text: With ``{name}``, ``{Name}`` or ``{NAME}``, and ``{operands}``.
        joint: Between two operands.
        least: How many operands it needs, so as to be no other notation.
        item: An operand, with ``{value}``, and ``{label}`` where operands are named.
    """

    text: str
    joint: str = ", "
    item: str = "{value}"
    least: int = 1

    @property
    def names_operands(self) -> bool:
        """Whether operands have their names beside them."""
        return "{label}" in self.item

    def of(self, name: str, operands: Sequence[tuple[str, str]], rng: Random) -> str:
        """Write a name and operands.

        Args:
            name: Of the operation.
            operands: Name and text of each, at least one.
            rng: Source of randomness.
        """
        names = {"name": mixed_case(name, rng), "Name": name.capitalize(), "NAME": name.upper()}
        items = (self.item.format(label=label, value=text) for label, text in operands)
        return self.text.format(**names, operands=self.joint.join(items))


@dataclass(frozen=True)
class Unnamed:
    """What one side, training or evaluation, writes so. Immutable.

    Attributes:
        wrappings: Around a line: ``{line}``, and ``{n}`` for a number.
        holders: Around a register in a computation: ``{}``.
        statements: Around a computation: ``{line}``.
        lists: Of a name and operands.
    """

    wrappings: tuple[str, ...]
    holders: tuple[str, ...]
    statements: tuple[str, ...]
    lists: tuple[Listed, ...]

    def wrapped(self, line: str, rng: Random) -> str:
        """A line with what stands around it."""
        return rng.choice(self.wrappings).format(line=line, n=rng.randint(1, 99))

    def listed(self, name: str, texts: Sequence[str], rng: Random) -> str | None:
        """A name and operands that have no names; None where there are none."""
        if not texts:
            return None
        plain = [o for o in self.lists if not o.names_operands and len(texts) >= o.least]
        return rng.choice(plain).of(name, [("", text) for text in texts], rng)


@cache
def read_unnamed(*, held_out: bool) -> Unnamed:
    """Read what training writes, or what evaluation alone does."""
    own: dict[str, Any] = _table()["held_out" if held_out else "training"]
    texts = {key: tuple(own[key]) for key in ("wrappings", "holders", "statements")}
    return Unnamed(**texts, lists=tuple(Listed(**row) for row in own["lists"]))


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))


def address_of_a_tool(rng: Random, step: int) -> int:
    """Where programs are, in simulators and in files of objects."""
    return int(rng.choice(_BASES) + step * rng.randrange(0x800))


def listing_of_a_tool(line: str, rng: Random, words: Sequence[str]) -> str:
    """A line as a simulator, a debugger or a disassembler lists it, whatever the set."""
    template: str = rng.choice(_table()["listings"])
    address, code, word = address_of_a_tool(rng, 2), rng.randrange(2**32), rng.choice(words)
    return template.format(a=address, c=code, n=rng.randint(1, 99), w=word, line=line)
