"""``isa.toml``: what an instruction set says about itself beside grammar and schemas.

In: the text of the file. Out: a frozen :class:`Definition`. Unknown keys are errors, so that a
slip of the pen is not silently nothing.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kvrm_grammar.errors import IsaError

__all__ = ["CommentSigns", "Definition", "read_definition"]

Value = str | int
_KEYS = {
    "name",
    "prompt",
    "instruction_size",
    "comments",
    "registers",
    "implied",
    "nouns",
    "refused",
    "adapters",
}
_REFUSED_KEYS = {"pattern", "reason"}
_COMMENT_KEYS = {"line", "block", "operand_sign"}


@dataclass(frozen=True)
class CommentSigns:
    """What starts a comment. Immutable.

    Attributes:
        line: Signs of comments that go to the end of the line.
        block: Pairs of signs around a comment.
        operand_sign: One of ``line`` that starts no comment where it starts an operand and a
            sign, a digit or a quote follows; empty where there is none.
    """

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    operand_sign: str = ""


@dataclass(frozen=True)
class Definition:
    """What ``isa.toml`` says. Immutable.

    Attributes:
        name: Of the set.
        prompt: The word that begins every prompt.
        instruction_size: How far apart two instructions' addresses are.
        comments: What starts a comment.
        registers: Further spellings of names -> the canonical name.
        implied: By mnemonic the operands that are not written: name and value.
        nouns: By operand what a reason calls it, such as ``a register``.
        refused: Why a text that the grammar refuses is no instruction: pairs of a regular
            expression, searched for in the code without comment, label and outer blanks, and a
            reason; the first that is found counts. No part of what an answer depends on.
        adapters: Dialect -> folder of the adapter that comes with the package; no part of what an
            adapter learns.
    """

    name: str
    prompt: str
    instruction_size: int = 1
    comments: CommentSigns = CommentSigns()
    registers: tuple[tuple[str, str], ...] = ()
    implied: tuple[tuple[str, tuple[tuple[str, Value], ...]], ...] = ()
    nouns: tuple[tuple[str, str], ...] = ()
    refused: tuple[tuple[re.Pattern[str], str], ...] = field(default=(), repr=False)
    adapters: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def implied_by(self, mnemonic: str) -> Mapping[str, Value]:
        """The operands that a mnemonic implies."""
        return dict(next((values for name, values in self.implied if name == mnemonic), ()))


def read_definition(text: str, place: str) -> Definition:
    """Read ``isa.toml``.

    Args:
        text: The file's text.
        place: Its name, for errors.

    Raises:
        IsaError: It is not TOML, lacks ``name`` or ``prompt``, or has a key that means nothing.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise IsaError(f"{place} is not TOML: {error}") from error
    _known(table, _KEYS, place)
    comments = _table(table, "comments", place)
    _known(comments, _COMMENT_KEYS, f"{place}, [comments]")
    try:
        definition = Definition(
            name=_text(table["name"]),
            prompt=_text(table["prompt"]),
            instruction_size=int(table.get("instruction_size", 1)),
            comments=CommentSigns(
                tuple(map(_text, _list(comments.get("line", [])))),
                tuple((_text(a), _text(b)) for a, b in comments.get("block", ())),
                _text(comments["operand_sign"]) if comments.get("operand_sign", "") != "" else "",
            ),
            registers=tuple(
                (spelling, _text(name))
                for spelling, name in _table(table, "registers", place).items()
            ),
            implied=tuple(
                (mnemonic.upper(), tuple((name, _value(v)) for name, v in values.items()))
                for mnemonic, values in _table(table, "implied", place).items()
            ),
            nouns=tuple((k, _text(v)) for k, v in _table(table, "nouns", place).items()),
            refused=_refused(table.get("refused", []), place),
            adapters=tuple((k, _text(v)) for k, v in _table(table, "adapters", place).items()),
        )
    except KeyError as error:
        raise IsaError(f"{place} has no {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise IsaError(f"{place}: {error}") from error
    if definition.instruction_size < 1:
        raise IsaError(f"{place}: instruction_size is {definition.instruction_size}, not positive")
    return definition


def _refused(tables: object, place: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    for table in tables if isinstance(tables, list) else [tables]:
        if not isinstance(table, dict):
            raise TypeError(f"refused must be tables with pattern and reason, not {table!r}")
        _known(table, _REFUSED_KEYS, f"{place}, [[refused]]")
        try:
            pattern = re.compile(_text(table["pattern"]))
        except re.error as error:
            raise ValueError(f"the pattern {table['pattern']!r} is none: {error}") from error
        found.append((pattern, _text(table["reason"])))
    return tuple(found)


def _known(table: Mapping[str, Any], known: set[str], place: str) -> None:
    if strange := sorted(table.keys() - known):
        raise IsaError(
            f"{place}: {strange[0]!r} means nothing; known are {', '.join(sorted(known))}"
        )


def _table(table: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise IsaError(f"{place}: {key} must be a table, not {found!r}")
    return found


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} must be a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} must be a text")
    return value


def _value(value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{value!r} must be a name or an integer")
    return value
