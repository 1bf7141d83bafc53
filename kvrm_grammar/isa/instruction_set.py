"""An instruction set: opcodes with their written forms, and the codec of its operations.

In: what :mod:`kvrm_grammar.isa.binding` found grammar and schemas to agree on. Out: a frozen
:class:`InstructionSet`, which every later stage is handed and asks.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Annotated, Any

from lark import Lark
from pydantic import Field, TypeAdapter, ValidationError

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.errors import OperationError
from kvrm_grammar.isa.definition import CommentSigns, Definition, Value
from kvrm_grammar.isa.domains import Domain
from kvrm_grammar.isa.grammar import compile_grammar, punctuation_of, terminal_pattern
from kvrm_grammar.isa.operation import INVALID, INVALID_KEY, Invalid, OperationModel
from kvrm_grammar.isa.semantics import Semantics

__all__ = ["Form", "InstructionSet", "Opcode", "Operand"]

_ANY = "(.+?)"  # an operand in the pattern of a form


@dataclass(frozen=True)
class Operand:
    """One operand of an opcode. Immutable.

    Attributes:
        name: As the schema and the grammar call it.
        domain: Its values.
        pattern: The words that the grammar takes for it.
        spellings: Words for names -> the canonical name, all that the grammar takes.
    """

    name: str
    domain: Domain
    pattern: re.Pattern[str]
    spellings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Form:
    """One way to write an opcode. Immutable.

    Attributes:
        mnemonic: In upper case where its case is free.
        operands: Names of the operands that are written, in written order.
        implied: Name and value of those that are not.
        free_case: Whether the mnemonic's case means nothing.
        pattern: What stands behind the mnemonic, each operand a group of its own.
        pieces: The same as texts: names of operands in braces, and a separator of each kind.
    """

    mnemonic: str
    operands: tuple[str, ...]
    implied: tuple[tuple[str, Value], ...] = ()
    free_case: bool = True
    pattern: str = field(default="", repr=False)
    pieces: tuple[str, ...] = field(default=(), repr=False)

    def takes(self, text: str, operands: Sequence[str] = ()) -> bool:
        """Whether an instruction has the separators of this form.

        Args:
            text: The instruction.
            operands: Its operands as they stand there, in written order; where none are named,
                they may be anything.
        """
        pattern = self.pattern
        for operand in operands:
            pattern = pattern.replace(_ANY, f"({re.escape(operand)})", 1)
        return bool(re.fullmatch(r"[^ \t,(]+" + pattern, text))

    def joined(self, mnemonic: str, operands: Mapping[str, str]) -> str:
        """Write operands behind a mnemonic, with the plainest separators.

        Args:
            mnemonic: In any case that the grammar takes.
            operands: The words of the operands that are written, by name.
        """
        return mnemonic + "".join(
            operands[piece[1:-1]] if piece[:1] == "{" and piece[1:-1] in operands else piece
            for piece in self.pieces
        )


@dataclass(frozen=True)
class Opcode:
    """One row of the opcode table: ``OP_*`` key, operands in the schema's order, written forms."""

    key: str
    operands: tuple[Operand, ...]
    forms: tuple[Form, ...]

    @property
    def mnemonic(self) -> str:
        """The mnemonic of the first form."""
        return self.forms[0].mnemonic

    @property
    def mnemonics(self) -> tuple[str, ...]:
        """All mnemonics, each once, in the grammar's order."""
        return tuple(dict.fromkeys(form.mnemonic for form in self.forms))


class InstructionSet:
    """An instruction set whose grammar and schemas agree. Immutable; compared by identity.

    No dataclass, on purpose: ``dataclasses.asdict`` of a result names its set and does not take
    it apart.

    Args:
        definition: What ``isa.toml`` says.
        grammar: The text of the Lark grammar.
        opcodes: All opcodes but the refusal, in the order of the models.
        models: The schemas, the refusal included.
        dialect_data: The tables of ``lenient.toml``; None where the set has no such file.
        digest: SHA-256, in hexadecimal, of grammar, schemas and definition, comments left out.
            ``lenient.toml`` is not in it: that makes drafts and training texts, no answers.
        source: What :func:`kvrm_grammar.isa.load_set` was given; empty for a set bound by hand.
        semantics: What the operations do; None where the set does not say. Not in the digest.
    """

    definition: Definition
    grammar: str
    opcodes: tuple[Opcode, ...]
    models: tuple[type[OperationModel], ...]
    dialect_data: Mapping[str, Any] | None
    digest: str
    source: str
    semantics: Semantics | None

    def __init__(
        self,
        definition: Definition,
        grammar: str,
        opcodes: tuple[Opcode, ...],
        models: tuple[type[OperationModel], ...],
        dialect_data: Mapping[str, Any] | None,
        digest: str,
        source: str = "",
        semantics: Semantics | None = None,
    ) -> None:
        vars(self).update(
            definition=definition,
            grammar=grammar,
            opcodes=opcodes,
            models=models,
            dialect_data=dialect_data,
            digest=digest,
            source=source,
            semantics=semantics,
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an instruction set is immutable: {name} cannot be set")

    @property
    def name(self) -> str:
        """The set's name."""
        return self.definition.name

    @property
    def comments(self) -> CommentSigns:
        """What starts a comment."""
        return self.definition.comments

    @property
    def invalid(self) -> Invalid:
        """The refusal."""
        return INVALID

    @property
    def parser(self) -> Lark:
        """The compiled grammar."""
        return compile_grammar(self.grammar)

    @cached_property
    def domains(self) -> tuple[Domain, ...]:
        """Every operand's domain, each once, in the order of the table."""
        operands = (operand for opcode in self.opcodes for operand in opcode.operands)
        return tuple(dict.fromkeys(operand.domain for operand in operands))

    @cached_property
    def spellings(self) -> Mapping[str, str]:
        """Words for names -> the canonical name, of all operands."""
        return {
            word: name
            for opcode in self.opcodes
            for operand in opcode.operands
            for word, name in operand.spellings
        }

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Canonical names, such as registers, each once, in the schemas' order."""
        return tuple(dict.fromkeys(name for domain in self.domains for name in domain.names))

    @cached_property
    def label_pattern(self) -> re.Pattern[str] | None:
        """What the grammar takes for a label; None where the set has none."""
        return terminal_pattern(self.parser, "LABEL")

    @cached_property
    def label_definition(self) -> re.Pattern[str] | None:
        """A name and its colon; None where the set has no labels."""
        return terminal_pattern(self.parser, "LABEL_DEF")

    @cached_property
    def punctuation(self) -> str:
        """Characters between operands other than blanks and commas."""
        return punctuation_of(self.parser)

    @cached_property
    def by_key(self) -> Mapping[str, Opcode]:
        """Opcodes by key."""
        return {opcode.key: opcode for opcode in self.opcodes}

    @cached_property
    def by_mnemonic(self) -> Mapping[str, tuple[tuple[Opcode, Form], ...]]:
        """Opcodes and forms by mnemonic, in the order of the table."""
        table: dict[str, tuple[tuple[Opcode, Form], ...]] = {}
        for opcode in self.opcodes:
            for form in opcode.forms:
                table[form.mnemonic] = (*table.get(form.mnemonic, ()), (opcode, form))
        return table

    def is_label(self, word: str) -> bool:
        """Whether a word may name a place in a program."""
        return self.label_pattern is not None and bool(self.label_pattern.fullmatch(word))

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        union: Any = reduce(or_, self.models)
        return TypeAdapter(Annotated[union, Field(discriminator="key")])

    def operation(self, key: str, params: Mapping[str, Any]) -> OperationModel:
        """Build and validate an operation.

        Args:
            key: An opcode such as ``OP_SUB``.
            params: Its operands by name; canonical names, integers as ``int``.

        Returns:
            The frozen operation.

        Raises:
            OperationError: The key is unknown, or an operand is missing, extra or out of range.
        """
        return self._validated({"key": key, "params": dict(params)})

    def parse_json(self, text: str | bytes) -> OperationModel:
        """Read one operation from JSON, strictly.

        Args:
            text: JSON in any layout, UTF-8 if bytes.

        Returns:
            The frozen operation.

        Raises:
            OperationError: Not JSON, a duplicate key, or not a valid operation of this set.
        """
        try:
            value = json.loads(text, object_pairs_hook=_unique_keys)
        except (ValueError, RecursionError) as error:
            raise OperationError(f"not an operation: {error}") from error
        return self._validated(value)

    def _validated(self, value: Any) -> OperationModel:
        try:
            found: OperationModel = self._adapter.validate_python(value)
        except ValidationError as error:
            raise OperationError(_explain(error)) from error
        return found

    def __copy__(self) -> "InstructionSet":
        return self

    def __deepcopy__(self, memo: object) -> "InstructionSet":
        return self

    def __repr__(self) -> str:
        return f"InstructionSet({self.name!r}, {len(self.opcodes)} opcodes)"

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, the refusal's last."""
        return (*self.by_key, INVALID_KEY)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"duplicate key {twice!r}")
    return result


def _explain(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False)
    # Of a union, the last alternative is the label: what is said of it fits a text best.
    first = details[-1 if isinstance(details[0]["input"], str) else 0]
    where = ".".join(str(part) for part in first["loc"]) or "operation"
    return f"not an operation: {where}: {first['msg']} (got {first['input']!r:.80})"
