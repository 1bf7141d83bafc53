"""A phrase in other words: what training says of a set, with more breadth than its data have.

In: a template that is decided, and a ``random.Random``. Out: the template, perhaps in other words.
The rules are English alone and of no set; they stand in ``wordings.toml``.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

__all__ = ["NO_OTHER_WORDS", "Rule", "Wordings", "read_rules"]

_FILE = Path(__file__).resolve().with_name("wordings.toml")
_ANY_OPERAND = r"\{\w+\}"
_AT_ALL = 0.65  # how many phrases are said in other words
_EACH = 0.6  # how often a rule that could be used is, in one of those
_MOST = 3


@dataclass(frozen=True)
class Rule:
    """What means the same: a pattern of templates, and what may stand in its place. Immutable.

    ``needs`` is what a template has besides.
    """

    of: re.Pattern[str]
    ways: tuple[str, ...]
    needs: re.Pattern[str] = re.compile("")

    def fits(self, template: str) -> bool:
        """Whether it can be used on a template."""
        return bool(self.needs.search(template) and self.of.search(template))


@dataclass(frozen=True)
class Wordings:
    """Rules, and templates that none of them may make: what evaluation alone says. Immutable."""

    rules: tuple[Rule, ...]
    kept: frozenset[str]

    def said(self, template: str, rng: Random) -> str:
        """The template in other words, or as it is."""
        if not self.rules or rng.random() > _AT_ALL:
            return template
        told, used = template, 0
        for rule in rng.sample(self.rules, len(self.rules)):
            if used == _MOST:
                break
            if not rule.fits(told) or rng.random() > _EACH:
                continue
            told = rule.of.sub(rng.choice(rule.ways), told, count=1)
            used += 1
        return template if told in self.kept else told


NO_OTHER_WORDS = Wordings((), frozenset())
"""Everything is said as it is written."""


@cache
def read_rules(destination: str) -> tuple[Rule, ...]:
    """The rules of ``wordings.toml`` for a set that names what is written so.

    Args:
        destination: The operand that an operation writes; where it is empty, a set has none, and
            rules that speak of one are left out.
    """
    tables: list[dict[str, Any]] = tomllib.loads(_FILE.read_text("utf-8"))["rules"]
    slot, rules = f"{{{destination}}}", []
    for table in tables:
        of: str = table["of"]
        if r"\{dest\}" in of and not destination:
            continue
        of = of.replace(r"\{dest\}", re.escape(slot)).replace(r"\{x\}", _ANY_OPERAND)
        ways = tuple(way.replace("{dest}", slot) for way in table["ways"])
        rules.append(Rule(re.compile(of), ways, re.compile(table.get("with", ""))))
    return tuple(rules)
