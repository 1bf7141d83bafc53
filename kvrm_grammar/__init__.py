"""Assembly text in, verified operations out.

In: one instruction, however it is written. Out: an operation of the instruction set as
a frozen Pydantic model, chosen by a language model that can choose nothing else.
Importing this package loads none of its modules; each name brings its own. A test compares
the three lists of names below. What there is to tell beside the results goes to children of
the logger ``kvrm_grammar``, which writes nothing until it is given a handler.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kvrm_grammar.compat import DecodeLLM, DecodeResult
    from kvrm_grammar.decoding.decoded import Alternative, Decoded, Refusal
    from kvrm_grammar.decoding.decoder import Decoder
    from kvrm_grammar.decoding.posterior import Posterior
    from kvrm_grammar.decoding.sharing import load_decoders
    from kvrm_grammar.dialects import Dialect, Reading, find_dialect
    from kvrm_grammar.errors import (
        AdapterError,
        BaseModelError,
        ConstraintError,
        DataError,
        DecodeError,
        ExportError,
        InputError,
        IsaError,
        KvrmError,
        LimitError,
        LineTooLongError,
        ModelError,
        OperationError,
        ProgramError,
        TokenIndexError,
        UnknownLabelError,
    )
    from kvrm_grammar.facade import decode_program, decode_structured
    from kvrm_grammar.isa import (
        InstructionSet,
        OperationModel,
        load_set,
        operation_from_json,
        operation_to_json,
    )
    from kvrm_grammar.lines import Line, read_lines
    from kvrm_grammar.oracle.program import Instruction, Program, parse_program
    from kvrm_grammar.oracle.reference import Verdict, explain, parse
    from kvrm_grammar.sets.kvrm.operations import (
        Add,
        Cmp,
        Dec,
        Halt,
        Inc,
        Invalid,
        Jmp,
        Jns,
        Jnz,
        Js,
        Jz,
        MovRegImm,
        MovRegReg,
        Mul,
        Nop,
        Operation,
        Sub,
    )

__all__ = [
    "AdapterError",
    "Add",
    "Alternative",
    "BaseModelError",
    "Cmp",
    "ConstraintError",
    "DataError",
    "Dec",
    "DecodeError",
    "DecodeLLM",
    "DecodeResult",
    "Decoded",
    "Decoder",
    "Dialect",
    "ExportError",
    "Halt",
    "Inc",
    "InputError",
    "Instruction",
    "InstructionSet",
    "Invalid",
    "IsaError",
    "Jmp",
    "Jns",
    "Jnz",
    "Js",
    "Jz",
    "KvrmError",
    "LimitError",
    "Line",
    "LineTooLongError",
    "ModelError",
    "MovRegImm",
    "MovRegReg",
    "Mul",
    "Nop",
    "Operation",
    "OperationError",
    "OperationModel",
    "Posterior",
    "Program",
    "ProgramError",
    "Reading",
    "Refusal",
    "Sub",
    "TokenIndexError",
    "UnknownLabelError",
    "Verdict",
    "__version__",
    "decode_program",
    "decode_structured",
    "explain",
    "find_dialect",
    "load_decoders",
    "load_set",
    "operation_from_json",
    "operation_to_json",
    "parse",
    "parse_program",
    "read_lines",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())

__version__ = "0.1.0"

_NAMES: dict[str, tuple[str, ...]] = {
    "compat": ("DecodeLLM", "DecodeResult"),
    "decoding.decoded": ("Alternative", "Decoded", "Refusal"),
    "decoding.decoder": ("Decoder",),
    "decoding.posterior": ("Posterior",),
    "decoding.sharing": ("load_decoders",),
    "dialects": ("Dialect", "Reading", "find_dialect"),
    "errors": (
        "AdapterError",
        "BaseModelError",
        "ConstraintError",
        "DataError",
        "DecodeError",
        "ExportError",
        "InputError",
        "IsaError",
        "KvrmError",
        "LimitError",
        "LineTooLongError",
        "ModelError",
        "OperationError",
        "ProgramError",
        "TokenIndexError",
        "UnknownLabelError",
    ),
    "facade": ("decode_program", "decode_structured"),
    "isa": (
        "InstructionSet",
        "OperationModel",
        "load_set",
        "operation_from_json",
        "operation_to_json",
    ),
    "sets.kvrm.operations": (
        "Add",
        "Cmp",
        "Dec",
        "Halt",
        "Inc",
        "Invalid",
        "Jmp",
        "Jns",
        "Jnz",
        "Js",
        "Jz",
        "MovRegImm",
        "MovRegReg",
        "Mul",
        "Nop",
        "Operation",
        "Sub",
    ),
    "lines": ("Line", "read_lines"),
    "oracle.program": ("Instruction", "Program", "parse_program"),
    "oracle.reference": ("Verdict", "explain", "parse"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import the module of a public name on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
