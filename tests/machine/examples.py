"""The programs of ``examples/programs``, and what each says of its end."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "programs"
ENDINGS = {"strict": ".s", "lenient": ".txt"}


@dataclass(frozen=True)
class Example:
    """One program: its dialect, name, source, and the registers at its end that are not 0."""

    dialect: str
    name: str
    source: str
    registers: dict[str, int]

    def __str__(self) -> str:
        return f"{self.dialect}-{self.name}"


def _read() -> list[Example]:
    expected = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))
    return [
        Example(
            dialect,
            name,
            (FOLDER / dialect / f"{name}{ENDINGS[dialect]}").read_text("utf-8"),
            registers,
        )
        for dialect, programs in expected.items()
        for name, registers in programs.items()
    ]


EXAMPLES = _read()
