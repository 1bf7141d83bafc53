"""What gcc writes, with what the assembler made of each line.

In: C sources. Out: the instruction lines of gcc's output, each with its address and words, and
where its labels are. Debian has the compiler as ``gcc-riscv64-unknown-elf``.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PROGRAMS", "Assembled", "SourceLine", "compiled", "compiler_missing"]

PROGRAMS = Path(__file__).parent / "programs"
_CC, _AS = "riscv64-unknown-elf-gcc", "riscv64-unknown-elf-as"
_MACHINE = ("-march=rv32im", "-mabi=ilp32")
_ROW = re.compile(r"^ *(\d+) (?:([0-9a-f]{4}) ([0-9A-F]+))?[ \t]*(?:\t(.*))?$")


@dataclass(frozen=True)
class SourceLine:
    """An instruction line, where it stands, and its words in order."""

    text: str
    address: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class Assembled:
    """The instruction lines of one file, and the addresses of its labels."""

    lines: tuple[SourceLine, ...]
    labels: Mapping[str, int]


def compiler_missing() -> str | None:
    """What to install where the compiler is not there; None where it is."""
    return None if shutil.which(_CC) else "gcc for RISC-V: install gcc-riscv64-unknown-elf"


def compiled(source: Path, level: str = "-O2") -> Assembled:
    """Compile one C file to assembly, and assemble that.

    Args:
        source: The file.
        level: How much to optimise.

    Raises:
        CalledProcessError: Compiler or assembler refuses it.
    """
    with tempfile.TemporaryDirectory() as folder:
        assembly = Path(folder, "program.s")
        flags = (level, "-ffreestanding", "-fno-asynchronous-unwind-tables")
        _run(_CC, *_MACHINE, *flags, "-S", "-o", str(assembly), str(source))
        rows = assembly.read_text("utf-8").split("\n")
        listing = _run(
            _AS,
            *_MACHINE,
            "-aln",
            "--listing-lhs-width=2",
            "-o",
            f"{folder}/program.o",
            str(assembly),
        )
    return _assembled(rows, listing)


def _assembled(rows: list[str], listing: str) -> Assembled:
    code: dict[int, tuple[int, str]] = {}
    for row in listing.splitlines():
        if (found := _ROW.match(row)) and found[2]:
            number = int(found[1])
            address, before = code.get(number, (int(found[2], 16), ""))
            code[number] = address, before + found[3]
    lines, labels, waiting = [], dict[str, int](), list[str]()
    for number, row in enumerate(rows, start=1):
        if label := re.fullmatch(r"([A-Za-z_.][A-Za-z0-9_.$]*):", row):
            waiting.append(label[1])
        elif number in code and not row.lstrip().startswith("."):
            address, digits = code[number]
            raw = bytes.fromhex(digits)
            words = tuple(int.from_bytes(raw[i : i + 4], "little") for i in range(0, len(raw), 4))
            lines.append(SourceLine(row, address, words))
            labels |= dict.fromkeys(waiting, address)
            waiting = []
    return Assembled(tuple(lines), labels)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
