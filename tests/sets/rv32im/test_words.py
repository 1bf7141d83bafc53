"""The judge's own decoder, against words that the manual's tables give by hand."""

from typing import Any

import pytest

from tests.sets.rv32im.words import meaning


@pytest.mark.parametrize(
    ("word", "key", "params"),
    [
        (0x00C58533, "ADD", {"rd": "a0", "rs1": "a1", "rs2": "a2"}),
        (0x40B00533, "SUB", {"rd": "a0", "rs1": "zero", "rs2": "a1"}),
        (0x02C58533, "MUL", {"rd": "a0", "rs1": "a1", "rs2": "a2"}),
        (0x80050013, "ADDI", {"rd": "zero", "rs1": "a0", "imm": -2048}),
        (0x41F5D513, "SRAI", {"rd": "a0", "rs1": "a1", "shamt": 31}),
        (0x00812503, "LW", {"rd": "a0", "offset": 8, "rs1": "sp"}),
        (0xFEA12C23, "SW", {"rs2": "a0", "offset": -8, "rs1": "sp"}),
        (0xFE0518E3, "BNE", {"rs1": "a0", "rs2": "zero", "target": 0xF0}),
        (0xFFFFF537, "LUI", {"rd": "a0", "imm": 0xFFFFF}),
        (0xFF1FF06F, "JAL", {"rd": "zero", "target": 0xF0}),
        (0x00008067, "JALR", {"rd": "zero", "offset": 0, "rs1": "ra"}),
        (0x0FF0000F, "FENCE", {}),
        (0x00100073, "EBREAK", {}),
    ],
)
def test_a_word_means(word: int, key: str, params: dict[str, Any]) -> None:
    """Key and params, at address 256."""
    assert meaning(word, 0x100) == {"key": f"OP_{key}", "params": params}


@pytest.mark.parametrize(
    "word", [0, 0xFFFFFFFF, 0x0000100F, 0x30200073, 0x0330000F, 0x40C59533, 0x00053003, 0x00051067]
)
def test_other_words_mean_nothing(word: int) -> None:
    """mret, fence.i, fence rw,rw, loads of 64 bits, and what is reserved."""
    assert meaning(word) is None
