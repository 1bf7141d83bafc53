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
        BatchError,
        ConstraintError,
        CycleLimitError,
        DataError,
        DecodeError,
        ExportError,
        InputError,
        IsaError,
        JumpError,
        KvrmError,
        LimitError,
        LineTooLongError,
        MachineError,
        ModelError,
        OperationError,
        ProgramError,
        RefusedLineError,
        SemanticsError,
        TokenIndexError,
        UnknownLabelError,
    )
    from kvrm_grammar.facade import decode_program, decode_structured
    from kvrm_grammar.isa import (
        InstructionSet,
        OperationModel,
        State,
        load_set,
        operation_from_json,
        operation_to_json,
    )
    from kvrm_grammar.lines import Line, read_lines
    from kvrm_grammar.machine.execute import Machine, step
    from kvrm_grammar.machine.trace import Step, Trace, run
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
    "BatchError",
    "Cmp",
    "ConstraintError",
    "CycleLimitError",
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
    "JumpError",
    "Jz",
    "KvrmError",
    "LimitError",
    "Line",
    "LineTooLongError",
    "Machine",
    "MachineError",
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
    "RefusedLineError",
    "SemanticsError",
    "State",
    "Step",
    "Sub",
    "TokenIndexError",
    "Trace",
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
    "run",
    "step",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())

__version__ = "1.0.0"

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
        "BatchError",
        "ConstraintError",
        "CycleLimitError",
        "DataError",
        "DecodeError",
        "ExportError",
        "InputError",
        "IsaError",
        "JumpError",
        "KvrmError",
        "LimitError",
        "LineTooLongError",
        "MachineError",
        "ModelError",
        "OperationError",
        "ProgramError",
        "RefusedLineError",
        "SemanticsError",
        "TokenIndexError",
        "UnknownLabelError",
    ),
    "facade": ("decode_program", "decode_structured"),
    "isa": (
        "InstructionSet",
        "OperationModel",
        "State",
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
    "machine.execute": ("Machine", "step"),
    "machine.trace": ("Step", "Trace", "run"),
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
