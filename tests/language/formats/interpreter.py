"""A small interpreter of GBNF, written from llama.cpp's description of it.

In: a grammar's text. Out: :class:`Grammar`, which says whether it takes a text. It reads what that
description names of literals, classes, groups, alternatives and repetition, and refuses the rest.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Grammar"]

_TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*\s*)*
    (?P<token>"(?:\\.|[^"\\])*" | \[(?:\\.|[^\]\\])*\] | ::= | [A-Za-z][A-Za-z0-9-]* | [()|?*+]
    | \{[0-9]+(?:,[0-9]*)?\})""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)")


@dataclass(frozen=True)
class _Node:
    """A piece of a rule: its kind, what it is made of, and how often it may come."""

    kind: str
    parts: tuple["_Node", ...] = ()
    text: str = ""
    least: int = 1
    most: int = 1


class Grammar:
    """A grammar that was read; its rule ``root`` is what a text must match as a whole."""

    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self.rules: dict[str, _Node] = {}
        while self._tokens:
            name = self._tokens.pop(0)
            assert self._tokens.pop(0) == "::=" and name not in self.rules
            self.rules[name] = self._alternatives()
        assert {name for rule in self.rules.values() for name in _names(rule)} <= {*self.rules}

    def accepts(self, text: str) -> bool:
        """Whether the grammar takes a text."""
        return len(text) in self._ends(self.rules["root"], text, 0)

    def _alternatives(self) -> _Node:
        options = [self._sequence()]
        while self._tokens[:1] == ["|"]:
            self._tokens.pop(0)
            options.append(self._sequence())
        return _Node("any", tuple(options))

    def _sequence(self) -> _Node:
        parts = []
        while self._tokens and self._tokens[0] not in "|)" and self._tokens[1:2] != ["::="]:
            parts.append(self._item())
        return _Node("all", tuple(parts))

    def _item(self) -> _Node:
        token = self._tokens.pop(0)
        if token == "(":
            node = self._alternatives()
            assert self._tokens.pop(0) == ")"
        elif token[0] in '"[':
            node = _Node("literal" if token[0] == '"' else "class", text=token[1:-1])
        else:
            assert token[0].isalpha(), token
            node = _Node("rule", text=token)
        if self._tokens[:1] == ["?"]:
            self._tokens.pop(0)
            return _Node("all", (node,), least=0)
        assert not self._tokens or self._tokens[0][0] not in "*+{", "this grammar repeats nothing"
        return node

    def _ends(self, node: _Node, text: str, place: int) -> set[int]:
        """Where a piece may end that begins at a place."""
        found = set() if node.least else {place}
        if node.kind == "rule":
            return found | self._ends(self.rules[node.text], text, place)
        if node.kind == "any":
            return found.union(*(self._ends(part, text, place) for part in node.parts))
        if node.kind == "literal":
            literal = _unescaped(node.text)
            return found | ({place + len(literal)} if text.startswith(literal, place) else set())
        if node.kind == "class":
            return found | (
                {place + 1} if text[place : place + 1] in _members(node.text) else set()
            )
        places = {place}
        for part in node.parts:
            places = {end for start in places for end in self._ends(part, text, start)}
        return found | places


def _tokens(source: str) -> Iterator[str]:
    place, rest = 0, re.sub(r"#[^\n]*\s*\Z", "", source).rstrip()
    while place < len(rest):
        match = _TOKEN.match(rest, place)
        assert match, rest[place : place + 40]
        yield match["token"]
        place = match.end()


def _names(node: _Node) -> Iterator[str]:
    if node.kind == "rule":
        yield node.text
    for part in node.parts:
        yield from _names(part)


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 3 else {"n": "\n", "t": "\t"}.get(code, code)

    return _ESCAPE.sub(one, text)


def _members(text: str) -> set[str]:
    """The characters of a class; a dash that is written as it is makes a range."""
    assert not text.startswith("^")
    pieces = [(_unescaped(piece), piece) for piece in re.findall(r"\\x..|\\.|.", text)]
    found: set[str] = set()
    while pieces:
        sign = pieces.pop(0)[0]
        if len(pieces) > 1 and pieces[0][1] == "-":
            found |= {chr(code) for code in range(ord(sign), ord(pieces[1][0]) + 1)}
            del pieces[:2]
        else:
            found.add(sign)
    return found
