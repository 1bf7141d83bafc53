"""Binds a grammar to its schemas: where the two disagree, loading fails.

In: grammar text, Pydantic models and the definition of ``isa.toml``. Out: a frozen
:class:`~kvrm_grammar.isa.instruction_set.InstructionSet`. Nothing later has to wonder which of
the sources is right.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from lark import Lark

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.checking import check_agreement
from kvrm_grammar.isa.definition import Definition
from kvrm_grammar.isa.domains import Domain
from kvrm_grammar.isa.grammar import WrittenForm, compile_grammar, operand_pattern, read_forms
from kvrm_grammar.isa.instruction_set import Form, InstructionSet, Opcode, Operand
from kvrm_grammar.isa.operation import OperationModel
from kvrm_grammar.isa.schemas import params_class, read_schemas
from kvrm_grammar.isa.semantics import Semantics, check_semantics
from kvrm_grammar.isa.spelling import every_case

__all__ = ["bind"]

_COMMENT = re.compile(r"^[ \t]*(?://.*)?\n", re.MULTILINE)


def bind(
    grammar: str,
    models: tuple[type[OperationModel], ...],
    definition: Definition,
    *,
    dialect_data: Mapping[str, Any] | None = None,
    source: str = "",
    semantics: Semantics | None = None,
) -> InstructionSet:
    """Bind a grammar to its schemas.

    Args:
        grammar: Lark text; :mod:`kvrm_grammar.isa.grammar` says what it must have.
        models: One frozen model per ``OP_*`` key, the refusal among them.
        definition: What ``isa.toml`` says.
        dialect_data: The tables of ``lenient.toml``.
        source: What the set was loaded from.
        semantics: What the operations do.

    Returns:
        The instruction set.

    Raises:
        IsaError: Grammar, schemas, definition and semantics disagree; the message names where.
    """
    parser = compile_grammar(grammar)
    schemas = read_schemas(models)
    forms = read_forms(parser)
    for key in sorted(forms.keys() - schemas.keys()):
        raise IsaError(f"{key} is in the grammar only: add a schema or remove the rule")
    for key in sorted(schemas.keys() - forms.keys()):
        raise IsaError(f"{key} is in the schemas only: add a rule {key.lower()} to the grammar")
    opcodes = tuple(
        Opcode(
            key,
            _operands(parser, fields, definition),
            tuple(_form(key, form, fields, definition) for form in forms[key]),
        )
        for key, fields in schemas.items()
    )
    _check_implied(opcodes, definition)
    if semantics is not None:
        check_semantics(semantics, schemas, definition.name)
    isa = InstructionSet(
        definition,
        grammar,
        opcodes,
        models,
        dialect_data,
        _digest(grammar, models, definition),
        source,
        semantics,
    )
    check_agreement(isa)
    return isa


def _operands(
    parser: Lark, fields: Mapping[str, Domain], definition: Definition
) -> tuple[Operand, ...]:
    made = []
    for name, domain in fields.items():
        pattern = operand_pattern(parser, name)
        made.append(Operand(name, domain, pattern, _spellings(domain, pattern, definition)))
    return tuple(made)


def _spellings(
    domain: Domain, pattern: re.Pattern[str], definition: Definition
) -> tuple[tuple[str, str], ...]:
    """All words for a domain's names: canonical, declared, and in any case that is allowed."""
    words = {name: name for name in domain.names}
    words |= {word: name for word, name in definition.registers if name in words}
    cases = {other: name for word, name in words.items() for other in every_case(word)}
    return tuple((word, name) for word, name in cases.items() if pattern.fullmatch(word))


def _form(
    key: str, written: WrittenForm, fields: Mapping[str, Domain], definition: Definition
) -> Form:
    implied = definition.implied_by(written.mnemonic)
    missing = [name for name in fields if name not in written.operands]
    if sorted(written.operands) != sorted(set(fields) - set(missing)) or not (
        {*missing} <= implied.keys()
    ):
        raise IsaError(
            f"{key}: the grammar takes ({', '.join(written.operands)}), "
            f"the schema ({', '.join(fields)})"
        )
    values = tuple((name, implied[name]) for name in missing)
    for name, value in values:
        if not fields[name].has_value(value):
            raise IsaError(
                f"{written.mnemonic} implies {name} = {value!r}, which is not {fields[name]}"
            )
    return Form(
        written.mnemonic,
        written.operands,
        values,
        written.free_case,
        written.pattern,
        written.pieces,
    )


def _check_implied(opcodes: tuple[Opcode, ...], definition: Definition) -> None:
    used = {
        (form.mnemonic, name)
        for opcode in opcodes
        for form in opcode.forms
        for name, _ in form.implied
    }
    for mnemonic, values in definition.implied:
        for name, _ in values:
            if (mnemonic, name) not in used:
                raise IsaError(f"{mnemonic} implies {name}, which no form of it leaves out")


def _digest(
    grammar: str,
    models: tuple[type[OperationModel], ...],
    definition: Definition,
) -> str:
    """What an answer depends on: comments and blank lines of the grammar do not count."""
    schemas = [
        (model.model_json_schema()["properties"]["key"], params_class(model).model_json_schema())
        for model in models
    ]
    parts = [_COMMENT.sub("", grammar), json.dumps(_undescribed(schemas), sort_keys=True)]
    parts.append(repr(definition))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _undescribed(value: Any) -> Any:
    """A JSON schema without titles and descriptions: a docstring is no part of the language."""
    if isinstance(value, dict):
        return {k: _undescribed(v) for k, v in value.items() if k not in ("description", "title")}
    return [_undescribed(one) for one in value] if isinstance(value, list | tuple) else value
