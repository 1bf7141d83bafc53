"""One instruction set: a grammar bound to its schemas.

In: a Lark grammar and the Pydantic models of its operations. Out: a frozen
:class:`Isa` with the opcode table and every limit. Where grammar and schemas
disagree, loading fails: nothing later has to wonder which of the two is right.

This module knows no opcode by name: a second instruction set needs only a
grammar and schemas.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

from lark import Lark
from lark.exceptions import LarkError, UnexpectedInput
from lark.grammar import Rule
from pydantic import ValidationError

from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.operations import INVALID_KEY, OPERATION_MODELS, OperationModel
from kvrm_grammar.resources import resource_path

__all__ = ["Isa", "Opcode", "Operand", "OperandKind", "accepts", "compile_grammar", "load_isa"]

OperandKind = Literal["register", "immediate", "target"]
_KINDS: tuple[OperandKind, ...] = get_args(OperandKind)
_STARTS = ("line", "source_line", *_KINDS)
_EMPTY_RANGE = (0, -1)

# What the schemas say, as far as a grammar can disagree with it: the operands
# of each key by name, each with its kind and that kind's limits.
_Field = tuple[OperandKind, Any]
_Schemas = dict[str, dict[str, _Field]]

# Each name lies on one side of a boundary of the label language, or just beyond it.
_LABEL_PROBES = (
    *("a", "Z", "_", ".", "a$", "a.9_"),
    *("", "$a", "9a", "@a", "a@", "a-b", "a b", "a:", "\u017f", "a\u0661"),
)


@dataclass(frozen=True)
class Operand:
    """One operand of an opcode: the schema's name for it, and its kind. Immutable."""

    name: str
    kind: OperandKind


@dataclass(frozen=True)
class Opcode:
    """One row of the opcode table: ``OP_*`` key, mnemonic, operands in order. Immutable."""

    key: str
    mnemonic: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Isa:
    """An instruction set whose grammar and schemas agree. Immutable and hashable.

    Attributes:
        name: The grammar file's name without its suffix.
        grammar: The text of the Lark grammar.
        opcodes: All opcodes but ``OP_INVALID``, in the order of the models.
        registers: Register names in upper case.
        immediate: Smallest and largest immediate, both included.
        address: Smallest and largest address, both included.
        label_max_length: Characters a label may have.
        models: The schemas, ``OP_INVALID`` included.

    A range is ``(0, -1)`` where no operand uses it.
    """

    name: str
    grammar: str
    opcodes: tuple[Opcode, ...]
    registers: tuple[str, ...]
    immediate: tuple[int, int]
    address: tuple[int, int]
    label_max_length: int
    models: tuple[type[OperationModel], ...]


def load_isa(
    grammar: Path | None = None, models: tuple[type[OperationModel], ...] = OPERATION_MODELS
) -> Isa:
    """Bind a grammar to its schemas.

    Args:
        grammar: A Lark file; the packaged ``grammars/kvrm/grammar.lark`` where None.
        models: One frozen model per ``OP_*`` key.

    Returns:
        The instruction set; the same object for the same text and models.

    Raises:
        IsaError: The file cannot be read, or grammar and schemas disagree.

    >>> [opcode.key for opcode in load_isa().opcodes][:2]
    ['OP_MOV_REG_IMM', 'OP_MOV_REG_REG']
    """
    name, text = _packaged() if grammar is None else _read(Path(grammar))
    return _bind(name, text, tuple(models))


@lru_cache(maxsize=8)
def compile_grammar(grammar: str) -> Lark:
    """Compile grammar text once; the parser is shared, stateless and thread-safe.

    Args:
        grammar: Lark text with the start symbols ``line``, ``source_line`` and one
            rule per operand kind.

    Returns:
        The LALR parser for all of these start symbols.

    Raises:
        IsaError: The text is not such a grammar.
    """
    try:
        return Lark(grammar, parser="lalr", start=list(_STARTS), maybe_placeholders=False)
    except LarkError as error:
        raise IsaError(f"not a usable grammar: {error}") from error


def accepts(parser: Lark, start: str, text: str) -> bool:
    """Tell whether the rule ``start`` of the grammar derives the whole text."""
    try:
        parser.parse(text, start=start)
    except UnexpectedInput:
        return False
    return True


@cache
def _packaged() -> tuple[str, str]:
    return "kvrm", _read(resource_path("grammars/kvrm/grammar.lark"))[1]


def _read(path: Path) -> tuple[str, str]:
    try:
        return path.stem, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IsaError(f"cannot read the grammar {path}: {error}") from error


@lru_cache(maxsize=8)
def _bind(name: str, grammar: str, models: tuple[type[OperationModel], ...]) -> Isa:
    parser = compile_grammar(grammar)
    schemas = _read_schemas(models)
    in_grammar = _grammar_opcodes(parser)
    for key in sorted(in_grammar.keys() - schemas.keys()):
        raise IsaError(f"{key} is in the grammar only: add a schema or remove the rule")
    for key in sorted(schemas.keys() - in_grammar.keys()):
        raise IsaError(f"{key} is in the schemas only: add a rule {key.lower()} to the grammar")
    limits = _agreed_limits(schemas)
    address, label_max_length = limits.get("target", (_EMPTY_RANGE, 0))
    isa = Isa(
        name=name,
        grammar=grammar,
        opcodes=tuple(_opcode(key, *in_grammar[key], schemas[key]) for key in schemas),
        registers=limits.get("register", ()),
        immediate=limits.get("immediate", _EMPTY_RANGE),
        address=address,
        label_max_length=label_max_length,
        models=models,
    )
    _check_registers(isa, parser)
    _check_ranges(isa, parser)
    _check_labels(isa, parser)
    return isa


def _grammar_opcodes(parser: Lark) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Read ``key -> (mnemonic, operand kinds)`` from the ``op_*`` rules."""
    patterns = {terminal.name: str(terminal.pattern.value) for terminal in parser.terminals}
    table: dict[str, tuple[str, tuple[str, ...]]] = {}
    for rule in cast("Iterable[Rule]", parser.rules):
        key = str(rule.origin.name).upper()
        if not key.startswith("OP_"):
            continue
        symbols = [symbol for symbol in rule.expansion if not symbol.name.startswith("_")]
        if key in table or not symbols or not symbols[0].is_term:
            raise IsaError(f"{key}: its rule needs one expansion that starts with a mnemonic")
        mnemonic, *kinds = (str(symbol.name) for symbol in symbols)
        own_name = "".join(f"[{c}{c.lower()}]" if c.isalpha() else c for c in mnemonic)
        if patterns[mnemonic] != own_name:
            raise IsaError(
                f"{key}: terminal {mnemonic} is /{patterns[mnemonic]}/, expected /{own_name}/"
            )
        table[key] = (mnemonic, tuple(kinds))
    return table


def _read_schemas(models: tuple[type[OperationModel], ...]) -> _Schemas:
    """Read the models through their JSON Schema, the public view of what Pydantic enforces."""
    schemas: _Schemas = {}
    for model in models:
        key = _key(model)
        fields = _params_class(model).model_json_schema().get("properties", {})
        schemas[key] = {name: _field(f"{key}.{name}", field) for name, field in fields.items()}
    schemas.pop(INVALID_KEY, None)
    return schemas


def _key(model: type[OperationModel]) -> str:
    literals = get_args(model.model_fields["key"].annotation)
    if len(literals) != 1 or not isinstance(literals[0], str):
        raise IsaError(f"{model.__name__}.key must be a Literal of one string")
    return literals[0]


def _params_class(model: type[OperationModel]) -> Any:
    return model.model_fields["params"].annotation


def _field(place: str, schema: object) -> _Field:
    match schema:
        case {"enum": [*names]}:
            return "register", tuple(names)
        case {"const": name}:
            return "register", (name,)
        case {"type": "integer", "minimum": low, "maximum": high}:
            return "immediate", (low, high)
        case {
            "anyOf": [
                {"type": "integer", "minimum": low, "maximum": high},
                {"type": "string", "maxLength": length},
            ]
        }:
            return "target", ((low, high), length)
    raise IsaError(
        f"{place} must be a Literal of registers, a bounded int, "
        f"or a bounded int | a str of limited length, not {schema}"
    )


def _agreed_limits(schemas: _Schemas) -> dict[OperandKind, Any]:
    """Collect each kind's limits, which must be the same wherever the kind occurs."""
    limits: dict[OperandKind, Any] = {}
    for key, fields in schemas.items():
        for name, (kind, limit) in fields.items():
            if limits.setdefault(kind, limit) != limit:
                raise IsaError(f"{key}.{name}: {kind} {limit} here, {limits[kind]} elsewhere")
    return limits


def _opcode(key: str, mnemonic: str, kinds: tuple[str, ...], fields: dict[str, _Field]) -> Opcode:
    operands = tuple(Operand(name, kind) for name, (kind, _) in fields.items())
    expected = tuple(operand.kind for operand in operands)
    if kinds != expected:
        raise IsaError(
            f"{key}: the grammar takes ({', '.join(kinds)}), the schema ({', '.join(expected)})"
        )
    return Opcode(key, mnemonic, operands)


def _check_registers(isa: Isa, parser: Lark) -> None:
    """Probe every name of a register's letters and up to two digits, in both cases."""
    stems = {name.rstrip("0123456789") for name in isa.registers}
    numbers = ["", *(str(n) for n in range(100)), *(f"0{n}" for n in range(10))]
    for name in sorted({f"{stem}{n}" for stem in stems for n in numbers} | set(isa.registers)):
        for probe in (name, name.lower()):
            _agree(f"register {probe}", accepts(parser, "register", probe), name in isa.registers)


def _check_ranges(isa: Isa, parser: Lark) -> None:
    """Probe that both ends of a range can be written, and no sign where none makes sense."""
    for value in isa.immediate if isa.immediate != _EMPTY_RANGE else ():
        _agree(f"immediate {value}", accepts(parser, "immediate", str(value)), True)
    for value in isa.address if isa.address != _EMPTY_RANGE else ():
        _agree(f"address {value}", accepts(parser, "target", str(value)), True)
    _agree("address -1", accepts(parser, "target", "-1"), isa.address[0] < 0)


def _check_labels(isa: Isa, parser: Lark) -> None:
    longest = "a" * isa.label_max_length
    near_registers = [f"{name}{end}" for name in isa.registers for end in ("", "0", "x", "$")]
    probes = [*_LABEL_PROBES, longest, longest + "a", *near_registers]
    probes += [probe.lower() for probe in near_registers]
    in_grammar = {probe: accepts(parser, "target", probe) for probe in probes}
    params = {_key(model): _params_class(model) for model in isa.models}
    for opcode in isa.opcodes:
        for operand in (operand for operand in opcode.operands if operand.kind == "target"):
            for probe in probes:
                in_schema = _schema_accepts(params[opcode.key], operand.name, probe)
                _agree(f"{opcode.key}: label {probe!r}", in_grammar[probe], in_schema)


def _schema_accepts(params: Any, name: str, value: str) -> bool:
    # Only errors of this field count: the other params are left out on purpose.
    try:
        params.model_validate({name: value})
    except ValidationError as error:
        return all(detail["loc"][0] != name for detail in error.errors())
    return True


def _agree(what: str, in_grammar: bool, in_schemas: bool) -> None:
    if in_grammar != in_schemas:
        raise IsaError(f"{what} is in the {'grammar' if in_grammar else 'schemas'} only")
