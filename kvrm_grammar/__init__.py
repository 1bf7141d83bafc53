"""Assembly text in, verified operations out.

In: one instruction, however it is written. Out: an operation of the instruction set as
a frozen Pydantic model, chosen by a language model that can choose nothing else.
Importing this package loads none of its modules; each name brings its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import Alternative, Decoded
    from kvrm_grammar.decoding.decoder import Decoder
    from kvrm_grammar.errors import KvrmError
    from kvrm_grammar.facade import DecodeLLM, DecodeResult, decode_program, decode_structured
    from kvrm_grammar.isa import InstructionSet, load_set, operation_from_json, operation_to_json
    from kvrm_grammar.oracle.program import Program, parse_program
    from kvrm_grammar.oracle.reference import Verdict, explain, parse
    from kvrm_grammar.sets.kvrm import Operation

__all__ = [
    "Alternative",
    "DecodeLLM",
    "DecodeResult",
    "Decoded",
    "Decoder",
    "InstructionSet",
    "KvrmError",
    "Operation",
    "Program",
    "Refusal",
    "Verdict",
    "__version__",
    "decode_program",
    "decode_structured",
    "explain",
    "load_set",
    "operation_from_json",
    "operation_to_json",
    "parse",
    "parse_program",
]

__version__ = "0.1.0"

_MODULES = {
    "Alternative": "decoding.decoded",
    "DecodeLLM": "facade",
    "DecodeResult": "facade",
    "Decoded": "decoding.decoded",
    "Decoder": "decoding.decoder",
    "InstructionSet": "isa",
    "KvrmError": "errors",
    "Operation": "sets.kvrm",
    "Program": "oracle.program",
    "Refusal": "decoding.decoded",
    "Verdict": "oracle.reference",
    "decode_program": "facade",
    "decode_structured": "facade",
    "explain": "oracle.reference",
    "load_set": "isa",
    "operation_from_json": "isa",
    "operation_to_json": "isa",
    "parse": "oracle.reference",
    "parse_program": "oracle.program",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
