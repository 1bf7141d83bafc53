"""What a dialect is, and what it makes of one text.

In: an instruction set. Out: :class:`Dialect`, which each way of writing implements, and
:class:`Reading`, which it makes of a text once and hands on.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.errors import LineTooLongError
from kvrm_grammar.isa import INVALID, InstructionSet, Mentions, OperationModel
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, LineParts, Verdict, explain

__all__ = ["NOT_RECOGNISED", "PROMPT_VERSION", "Dialect", "Reading"]

PROMPT_VERSION = 1
"""Of what a dialect shows the model. It changes where older adapters would read worse: one that was
trained on another version is refused."""

NOT_RECOGNISED = "the model did not recognise this instruction"
"""The reason of a refusal for which no rule is at hand."""

_LINE_END = re.compile(r"(?:\r\n|\r|\n)\Z")
# Half of a surrogate pair has no encoding: a question mark stands for it, which parts no word.
_HALF = re.compile("[\ud800-\udfff]")
# Control characters get visible stand-ins: one instruction stays one line of prompt.
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if code != 9} | {127: "\u2421"}


@dataclass(frozen=True)
class Reading:
    """What a dialect made of one text. Immutable; a plain value, whatever it is asked later.

    Attributes:
        raw: The text as given.
        visible: What the model sees of it, one line; empty if there is nothing but comment.
        label: The label that the text defines in front of its instruction, or None.
        mentions: What the visible text offers for operands.
        dialect: Which made it.
    """

    raw: str
    visible: str
    label: str | None
    mentions: Mentions
    dialect: "Dialect" = field(repr=False)

    @property
    def prompt(self) -> str:
        """What the model continues with JSON; plain text, no chat template."""
        return f"{self.dialect.isa.definition.prompt} {self.visible}\n"

    @cached_property
    def verdict(self) -> Verdict:
        """What the reference parser says of the text, asked once and when first looked at."""
        return explain(self.raw, self.dialect.isa)

    @cached_property
    def guess(self) -> OperationModel:
        """What to draft: the reference parser's answer, else the dialect's own guess."""
        operation = self.verdict.operation
        return self.dialect.guess(self) if operation == INVALID else operation

    @property
    def reason(self) -> str:
        """Why the dialect refuses the text, where rules say so."""
        return self.dialect.explain(self) or NOT_RECOGNISED


class Dialect(ABC):
    """One way of writing the instructions of a set. Immutable and hashable.

    Args:
        isa: The instruction set.

    Attributes:
        isa: The instruction set.
        name: As callers write it.
        shorthand: Whether one name may stand for two of three operands, the
            destination being the first source too.
    """

    name: ClassVar[str]
    shorthand: ClassVar[bool] = False

    def __init__(self, isa: InstructionSet) -> None:
        self._isa = isa

    @property
    def isa(self) -> InstructionSet:
        """The instruction set."""
        return self._isa

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._isa is self._isa

    def __hash__(self) -> int:
        return hash((type(self), self._isa))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._isa!r})"

    def __deepcopy__(self, memo: object) -> "Dialect":
        return self

    @property
    def adapter(self) -> str | None:
        """Folder of the adapter that comes with the package; None where there is none."""
        return dict(self.isa.definition.adapters).get(self.name)

    def read(self, text: str) -> Reading:
        """Read one text.

        Args:
            text: One instruction as written, at most ``MAX_LINE_LENGTH`` characters without its
                line end.

        Returns:
            The reading.

        Raises:
            LineTooLongError: The line is longer.
        """
        line = _LINE_END.sub("", text)
        if len(line) > MAX_LINE_LENGTH:
            raise LineTooLongError(len(line), MAX_LINE_LENGTH)
        label, code = self._cut(line)
        code = code.translate(_PICTURES)
        visible = self._shown(_HALF.sub("?", code))
        return Reading(text, visible, label, self.mentions(_HALF.sub("\ufffd", code)), self)

    @abstractmethod
    def _cut(self, line: str) -> tuple[str | None, str]:
        """The label in front, and what counts of the rest; several lines count whole."""

    def _shown(self, code: str) -> str:
        """What the model sees of that: the same, but for the case of letters."""
        return code

    @abstractmethod
    def mentions(self, code: str) -> Mentions:
        """List what an instruction mentions.

        Args:
            code: What the model sees of it, with the letters' case as written.

        Returns:
            By domain its JSON values, one for each mention, only those that the domain has; and
            what its words imply.
        """

    @abstractmethod
    def guess(self, reading: Reading) -> OperationModel:
        """What the text means, if the reference parser does not know: only a draft."""

    @abstractmethod
    def explain(self, reading: Reading) -> str | None:
        """Why the dialect's rules refuse the text; None where they are silent."""

    @abstractmethod
    def split(self, line: str) -> LineParts:
        """Split a source line of a program, of any length, into label and instruction."""
