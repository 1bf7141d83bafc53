"""In which precision a processor computes fastest.

In: OpenVINO's list of what the processor can do. Out: the name of a precision. Figures:
docs/performance.md.
"""

from typing import Any

from kvrm_grammar.errors import ModelError

__all__ = ["PRECISIONS", "compile_options", "default_precision", "has_bfloat16", "named_precision"]

_KEPT_PRIMITIVES = "64"
"""How many primitives OpenVINO keeps for shapes that were seen. By default they are 5,000, and a
process whose batches change their shape grows for long; with none each batch makes its own."""

PRECISIONS = ("float32", "bfloat16", "int8")
"""float32: reference. bfloat16: products in bfloat16, for processors with AMX or AVX-512 BF16.
int8: weights in int8 with a scale for each row, states quantised in groups of 32; half the
memory."""


def default_precision(core: Any) -> str:
    """bfloat16 where the processor has it (AMX or AVX-512 BF16), else float32.

    Args:
        core: An ``openvino.Core``.
    """
    return "bfloat16" if has_bfloat16(core) else "float32"


def has_bfloat16(core: Any) -> bool:
    """Whether the processor multiplies in bfloat16; else OpenVINO would compute in float32.

    Args:
        core: An ``openvino.Core``.
    """
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def named_precision(core: Any, name: str) -> str:
    """Check a precision's name.

    Args:
        core: An ``openvino.Core``.
        name: As a caller gave it.

    Raises:
        ModelError: OpenVINO is not used with it, or the processor has none of it; the message says
            what can be chosen.
    """
    if name not in PRECISIONS:
        raise ModelError(
            f"precision {name!r} cannot be used by openvino; choose one of {', '.join(PRECISIONS)}"
        )
    if name == "bfloat16" and not has_bfloat16(core):
        raise ModelError(
            "this processor computes nothing in bfloat16 (it has neither AMX nor AVX-512 BF16); "
            "choose float32 or int8"
        )
    return name


def compile_options(core: Any, precision: str) -> dict[str, Any]:
    """What OpenVINO is told for a precision."""
    hint = "f32" if precision == "float32" or not has_bfloat16(core) else "bf16"
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": hint,
        "PERFORMANCE_HINT": "LATENCY",
        "CPU_RUNTIME_CACHE_CAPACITY": _KEPT_PRIMITIVES,
    }
    if precision == "int8":
        options["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = "32"
    return options
