"""Instruction -> the JSON text to try first.

In: an instruction's text, and later the tokens accepted so far. Out: token IDs that may
follow. A draft is a guess about what the model will say: the reference parser's answer,
or, where the model said something else, that opcode with the operands in order of
appearance. The engine verifies every token of it.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from kvrm_grammar.isa.binding import Isa, Opcode
from kvrm_grammar.isa.operations import INVALID, Operation, operation_to_json
from kvrm_grammar.oracle.reference import parse

__all__ = ["Drafter", "InstructionDraft"]

_FIELD = re.compile(r'"([a-z0-9_]+)":')
_WORD = re.compile(r"[A-Za-z_.][A-Za-z0-9_.$]*|[-+]?[0-9]+")


@dataclass(frozen=True)
class Drafter:
    """Makes drafts for one instruction set and tokenizer. Immutable.

    Attributes:
        isa: The instruction set.
        encode: Text -> token IDs, in the tokenizer's own tokenisation.
        decode: Token IDs -> text.
        guess: What to try where the reference parser refuses; None for a refusal.
    """

    isa: Isa
    encode: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]
    guess: Callable[[str, Isa], Operation] | None = None

    def draft(self, text: str) -> "InstructionDraft":
        """Start drafting for an instruction of at most 256 characters."""
        return InstructionDraft(self, text)


@dataclass(frozen=True)
class InstructionDraft:
    """Drafts for one instruction; callable as the engine wants it. Caches its candidates."""

    drafter: Drafter
    text: str

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
        operation = parse(self.text)
        if operation == INVALID and self.drafter.guess is not None:
            operation = self.drafter.guess(self.text, self.drafter.isa)
        return operation_to_json(operation)

    @cached_property
    def _others(self) -> tuple[str, ...]:
        refusal = operation_to_json(INVALID)
        return (refusal, *(self._filled(opcode) for opcode in self.drafter.isa.opcodes))

    def _filled(self, opcode: Opcode) -> str:
        """The opcode with the text's words as operands, in order of appearance."""
        registers = self.drafter.isa.registers
        words = _WORD.findall(self.text)[1:]
        seen: dict[str, Iterator[str | int]] = {
            "register": iter([w.upper() for w in words if w.upper() in registers]),
            "immediate": iter([int(w) for w in words if w.lstrip("+-").isdigit()]),
            "target": iter([w for w in words if w.upper() not in registers]),
        }
        usual: dict[str, str | int] = {"register": registers[0], "immediate": 0, "target": 0}
        params = {o.name: next(seen[o.kind], usual[o.kind]) for o in opcode.operands}
        return json.dumps({"key": opcode.key, "params": params}, separators=(",", ":"))

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
