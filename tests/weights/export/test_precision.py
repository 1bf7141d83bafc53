"""precision.py: what a processor is given, and what it is told, by what it can do."""

from typing import Any

import pytest

from kvrm_grammar.errors import ModelError
from kvrm_grammar.weights.export.precision import (
    PRECISIONS,
    compile_options,
    default_precision,
    named_precision,
)


class Core:
    """A processor that can do what it is given."""

    def __init__(self, *abilities: str) -> None:
        self.abilities = [*abilities]

    def get_property(self, device: str, name: str) -> Any:
        """As of an ``openvino.Core``."""
        assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
        return self.abilities


OLD, NEW = Core("FP32", "INT8", "BIN"), Core("FP32", "INT8", "BF16", "BIN")


def test_the_default() -> None:
    """bfloat16 where it is native, else float32."""
    assert default_precision(NEW) == "bfloat16"
    assert default_precision(OLD) == "float32"


def test_what_is_not_native_is_refused() -> None:
    """OpenVINO would compute in float32 and say nothing, so the answer would have a wrong name."""
    assert [named_precision(NEW, name) for name in PRECISIONS] == [*PRECISIONS]
    assert [named_precision(OLD, name) for name in ("float32", "int8")] == ["float32", "int8"]
    with pytest.raises(ModelError, match="choose float32 or int8"):
        named_precision(OLD, "bfloat16")


@pytest.mark.parametrize(
    ("core", "precision", "hint"),
    [
        (OLD, "float32", "f32"),
        (OLD, "int8", "f32"),
        (NEW, "float32", "f32"),
        (NEW, "bfloat16", "bf16"),
        (NEW, "int8", "bf16"),
    ],
)
def test_what_openvino_is_told(core: Core, precision: str, hint: str) -> None:
    """Of the default precision it computes in just that; int8 has groups of 32 states."""
    options = compile_options(core, precision)
    assert options["INFERENCE_PRECISION_HINT"] == hint
    assert options.get("DYNAMIC_QUANTIZATION_GROUP_SIZE") == ("32" if precision == "int8" else None)
