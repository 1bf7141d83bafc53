"""GNU binutils as the judge: what the assembler makes of a line, what the disassembler prints.

In: lines of assembly, or an object file. Out: bytes, or printed instructions with their words.
Debian has it as ``binutils-riscv64-unknown-elf``; nothing here needs it at import.
"""

import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PACKAGES", "Printed", "disassemble", "encode", "missing", "version"]

PACKAGES = "binutils-riscv64-unknown-elf"
_PREFIX = "riscv64-unknown-elf-"
_AS = (f"{_PREFIX}as", "-march=rv32im", "-mabi=ilp32", "--fatal-warnings")
_LABEL = re.compile(r"(?:[ \t]|/\*.*?\*/)*([A-Za-z_.][A-Za-z0-9_.$]*):")
_ERROR = re.compile(r"\.s:(\d+): (?:Error|Warning): (.*)")
_SECTION = re.compile(r"^Contents of section \.line(\d+):\n((?: [0-9a-f]+ .*\n)+)", re.MULTILINE)
_PRINTED = re.compile(r"^ *([0-9a-f]+):\t([0-9a-f]{8}) +\t(.*)$")


def missing() -> str | None:
    """What to install where the assembler is not there; None where it is."""
    return None if shutil.which(_AS[0]) else f"GNU binutils for RISC-V: install {PACKAGES}"


def version() -> str:
    """What the assembler calls itself."""
    return _run(_AS[0], "--version").stdout.splitlines()[0]


def encode(lines: Sequence[str]) -> list[bytes | None]:
    """Assemble lines, each alone; a label that many of them define is defined in many files.

    Args:
        lines: One instruction each; no line end.

    Returns:
        For each its bytes, little-endian, relocations not applied; None where as refuses it.
    """
    found: dict[int, bytes] = {}
    rounds: dict[int, list[int]] = defaultdict(list)
    seen: dict[str, int] = defaultdict(int)
    for place, line in enumerate(lines):
        label = _LABEL.match(line)
        rounds[seen[label[1]] if label else 0].append(place)
        if label:
            seen[label[1]] += 1
    for places in rounds.values():
        found |= _encode_file({place: lines[place] for place in places})
    return [found.get(place) for place in range(len(lines))]


def _encode_file(lines: dict[int, str]) -> dict[int, bytes]:
    """As :func:`encode`; what is refused is taken out, and the rest assembled again."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "lines.s"), Path(folder, "lines.o")
        while lines:
            # A section of its own for each, so that no line moves another.
            text = "".join(f'.section .line{n},"ax"\n{line}\n' for n, line in lines.items())
            source.write_text(text, "utf-8", newline="")
            done = _run(*_AS, "-o", str(output), str(source))
            if done.returncode == 0:
                contents = _run(f"{_PREFIX}objdump", "-s", str(output)).stdout
                return {int(n): _bytes(dump) for n, dump in _SECTION.findall(contents)}
            order = [*lines]
            bad = {order[(int(number) - 1) // 2] for number, _ in _ERROR.findall(done.stderr)}
            if not bad:
                raise RuntimeError(f"as failed without naming a line: {done.stderr}")
            lines = {n: line for n, line in lines.items() if n not in bad}
    return {}


def _bytes(dump: str) -> bytes:
    rows = (row[1:].split("  ")[0].split(" ")[1:] for row in dump.splitlines())
    return bytes.fromhex("".join("".join(row) for row in rows))


@dataclass(frozen=True)
class Printed:
    """An instruction as objdump prints it: where, which word, and the text behind it."""

    address: int
    word: int
    text: str


def disassemble(file: Path, *options: str) -> Iterator[Printed]:
    """All 32-bit instructions of an object file or archive.

    Args:
        file: What to read.
        options: Of objdump, such as ``-Mno-aliases``.
    """
    for row in _run(f"{_PREFIX}objdump", "-d", *options, str(file)).stdout.splitlines():
        if found := _PRINTED.match(row):
            yield Printed(int(found[1], 16), int(found[2], 16), found[3])


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
