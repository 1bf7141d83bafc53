"""The lenient dialect: whatever a person or a program might write for the same instructions.

In: one text. Out: its ``Reading``. No parser covers it; everything that the strict dialect accepts
means the same here.
"""

from typing import ClassVar

from kvrm_grammar.dialects.bare_code import (
    defines_label,
    one_blank,
    split_label,
    tight_brackets,
    without_comments,
)
from kvrm_grammar.dialects.base import Dialect, Reading
from kvrm_grammar.dialects.lenient.columns import (
    address_of_symbol,
    without_bytes,
    without_columns,
)
from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.guess import guess
from kvrm_grammar.dialects.lenient.marks import (
    bare_label,
    beginning,
    lower_case,
    narrow,
    unmarked,
    without_blocks,
    without_colon,
    without_other_comments,
    without_remarks,
)
from kvrm_grammar.dialects.lenient.mentions import lenient_mentions
from kvrm_grammar.isa import InstructionSet, Mentions, OperationModel
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, LineParts

__all__ = ["LenientDialect"]


class LenientDialect(Dialect):
    """What people write. Immutable; a set has it if it has a ``lenient.toml``."""

    name: ClassVar[str] = "lenient"
    shorthand: ClassVar[bool] = True

    def __init__(self, isa: InstructionSet) -> None:
        super().__init__(isa)
        lenient_data(isa)  # raises where there is none

    def _cut(self, line: str) -> tuple[str | None, str]:
        line = narrow(line)
        if "\n" in line or "\r" in line:
            return None, line.strip(" \t")
        plain = without_comments(without_blocks(line), self.isa)
        plain = without_other_comments(plain, self.isa)
        bare = self._bare(without_remarks(plain, self.isa))
        label, code = split_label(bare, self.isa)
        if label is not None:
            code = self._bare(code)
        elif not defines_label(bare, self.isa):
            code = without_colon(code)
        code = one_blank(address_of_symbol(without_bytes(code, self.isa)))
        code = tight_brackets(code, self.isa)
        return (label, code) if label is not None else bare_label(code, self.isa)

    def _bare(self, code: str) -> str:
        """Without marks and columns, whichever is around the other."""
        while (shorter := unmarked(without_columns(code, self.isa))) != code:
            code = shorter
        return code

    def _shown(self, code: str) -> str:
        return lower_case(code, self.isa)

    def mentions(self, code: str) -> Mentions:
        """See :func:`lenient_mentions`."""
        return lenient_mentions(code, self.isa)

    def guess(self, reading: Reading) -> OperationModel:
        """See :func:`guess`."""
        return guess(reading.visible, reading.mentions, self.isa)

    def explain(self, reading: Reading) -> str | None:
        """Nothing: what is no instruction here, no rule says."""
        return None

    def split(self, line: str) -> LineParts:
        """Take marks off and split what is left, of a line of any length."""
        line = line.rstrip("\r\n")
        label, shown = self._cut(beginning(line) if len(line) > MAX_LINE_LENGTH else line)
        return LineParts(label, has_instruction=bool(shown))
