"""Instruction -> the JSON text to try first.

In: the reading of an instruction, and later the tokens accepted so far. Out: token IDs that may
follow. A draft is a guess about what the model will say: the dialect's guess, or, where the model
said something else, that opcode with the operands in order of appearance. The engine verifies
every token of it.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.dialects import Reading
from kvrm_grammar.isa import INVALID, Domain, Opcode, operation_to_json

__all__ = ["Drafter", "InstructionDraft"]

_FIELD = re.compile(r'"([a-z0-9_]+)":')
_WORD = re.compile(r"[A-Za-z_.][A-Za-z0-9_.$]*|[-+]?[0-9]+")


@dataclass(frozen=True)
class Drafter:
    """Makes drafts with one tokenizer. Immutable.

    Attributes:
        encode: Text -> token IDs, in the tokenizer's own tokenisation.
        decode: Token IDs -> text.
    """

    encode: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]

    def draft(self, reading: Reading) -> "InstructionDraft":
        """Start drafting for an instruction."""
        return InstructionDraft(self, reading)


@dataclass(frozen=True)
class InstructionDraft:
    """Drafts for one instruction; callable as the engine wants it. Caches its candidates."""

    drafter: Drafter
    reading: Reading

    def __call__(self, accepted: Sequence[int]) -> list[int]:
        """Guess what follows.

        Args:
            accepted: Token IDs the model has settled on.

        Returns:
            Token IDs without the end token; none where there is no guess.
        """
        if not accepted:
            return self.drafter.encode(self._first)
        written = self.drafter.decode(list(accepted))
        for candidate in (self._first, *self._others):
            if candidate.startswith(written):
                return self.drafter.encode(candidate[len(written) :])
        return self.drafter.encode(self._continuation(written))

    @cached_property
    def _first(self) -> str:
        return operation_to_json(self.reading.guess)

    @cached_property
    def _others(self) -> tuple[str, ...]:
        opcodes = self.reading.dialect.isa.opcodes
        return (operation_to_json(INVALID), *(self._filled(opcode) for opcode in opcodes))

    def _filled(self, opcode: Opcode) -> str:
        """The opcode with the text's words as operands, in order of appearance."""
        seen = {domain: self._members(domain) for domain in self.reading.dialect.isa.domains}
        params = {o.name: next(seen[o.domain], _usual(o.domain)) for o in opcode.operands}
        return json.dumps({"key": opcode.key, "params": params}, separators=(",", ":"))

    def _members(self, domain: Domain) -> Iterator[str | int]:
        """Words that may stand for members of a domain, well-formed or not."""
        spellings = self.reading.dialect.isa.spellings
        for word in _WORD.findall(self.reading.raw)[1:]:
            name = spellings.get(word)
            if domain.names and name in domain.names:
                yield name or word
            elif domain.has_labels and name is None:
                yield word
            elif domain.integers is not None and word.lstrip("+-").isdigit():
                yield int(word)

    def _continuation(self, written: str) -> str:
        """Behind an operand the model chose otherwise, the rest of a candidate of its opcode."""
        fields = list(_FIELD.finditer(written))
        for candidate in (self._first, *self._others) if fields else ():
            key_end = written.find('"params"')
            if key_end < 0 or not candidate.startswith(written[:key_end]):
                continue
            value = re.search(rf'"{fields[-1][1]}":("[^"]*"|-?[0-9]+)', candidate)
            if value is not None:
                quotes = written[fields[-1].end() :].count('"')
                return ('"' if quotes == 1 else "") + candidate[value.end() :]
        return ""


def _usual(domain: Domain) -> str | int:
    return domain.names[0] if domain.names else 0
