"""Precisions as parameters of tests; bfloat16 where the processor has it."""

import openvino
import pytest

from kvrm_grammar.weights.export.precision import has_bfloat16

__all__ = ["BFLOAT16", "needs_bfloat16"]

needs_bfloat16 = pytest.mark.skipif(
    not has_bfloat16(openvino.Core()), reason="this processor computes nothing in bfloat16"
)
BFLOAT16 = pytest.param("bfloat16", marks=needs_bfloat16)
