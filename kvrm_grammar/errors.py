"""Every error this package raises on purpose, one small tree.

In: nothing. Out: exception classes that name the offending value and what to do::

    KvrmError
    ├── InputError            the text cannot be an instruction line at all
    │   └── LineTooLongError      more characters than a line may have
    ├── OperationError        JSON that is not a valid, canonical operation
    ├── ProgramError          source text whose labels do not hold together
    │   └── UnknownLabelError     a jump to a label that nobody defined
    ├── MachineError          a program cannot be run, or not to its end
    │   ├── RefusedLineError      a line of it was refused, so nothing is run
    │   ├── JumpError             a jump to an address that the program does not have
    │   └── CycleLimitError       it has not stopped within its limit
    ├── IsaError              a grammar and its schemas disagree
    │   └── SemanticsError        the set does not say what its operations do
    ├── ConstraintError       the output language cannot be compiled
    ├── LimitError            a limit is below the longest answer, so it could cut one off
    ├── TokenIndexError         the token index cannot be built or read
    ├── ModelError            base model or adapter cannot be used
    │   ├── BaseModelError        the base model is missing or damaged
    │   ├── AdapterError          the adapter is missing, damaged or of another base
    │   └── ExportError           no graph can be built for it; torch may still run it
    ├── DecodeError           decoding was stopped before an answer was complete
    ├── BatchError            a batch of files cannot be run, or not to its end
    └── DataError             a training or evaluation file is malformed

An instruction that the dialect refuses is *not* an error: it is the operation
``OP_INVALID`` with a reason.

Errors are values: two of one class with the same arguments are equal, and they survive
pickling and copying, so that a process pool hands them to its caller. A class whose
arguments are not one message passes them to ``Exception`` unchanged and writes its message
in ``__str__``.
"""

__all__ = [
    "AdapterError",
    "BaseModelError",
    "BatchError",
    "ConstraintError",
    "CycleLimitError",
    "DataError",
    "DecodeError",
    "ExportError",
    "InputError",
    "IsaError",
    "JumpError",
    "KvrmError",
    "LimitError",
    "LineTooLongError",
    "MachineError",
    "ModelError",
    "OperationError",
    "ProgramError",
    "RefusedLineError",
    "SemanticsError",
    "TokenIndexError",
    "UnknownLabelError",
]


class KvrmError(Exception):
    """Base of every error raised on purpose by this package. Immutable by convention."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.args == getattr(other, "args", None)

    def __hash__(self) -> int:
        return hash((type(self), str(self)))


class InputError(KvrmError, ValueError):
    """The text cannot be an instruction line at all."""


class LineTooLongError(InputError):
    """An instruction line has more characters than allowed.

    Attributes:
        length: Characters in the refused line.
        limit: Characters a line may have.
    """

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(length, limit)
        self.length = length
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"line has {self.length} characters, at most {self.limit} are allowed; "
            "split it into one instruction per line"
        )


class OperationError(KvrmError, ValueError):
    """JSON that is not a valid, canonical operation."""


class ProgramError(KvrmError, ValueError):
    """Source text whose labels do not hold together."""


class UnknownLabelError(ProgramError):
    """A jump to a label that nobody defined.

    Attributes:
        label: The name that has no definition.
        line: The source line of the jump, from 1; None where there is no source.
    """

    def __init__(self, label: str, line: int | None = None) -> None:
        super().__init__(label, line)
        self.label = label
        self.line = line

    def __str__(self) -> str:
        where = "" if self.line is None else f" in line {self.line}"
        return f"Unknown label: {self.label!r}{where}"


class MachineError(KvrmError, ValueError):
    """A program cannot be run, or not to its end."""


class RefusedLineError(MachineError):
    """A program has lines that are no instructions, or uncertain ones; nothing is run.

    Attributes:
        line: The source line of the first of them, from 1.
        text: That line.
        reason: Why it was refused.
        others: The source lines of the others.
    """

    def __init__(self, line: int, text: str, reason: str, others: tuple[int, ...] = ()) -> None:
        super().__init__(line, text, reason, others)
        self.line = line
        self.text = text
        self.reason = reason
        self.others = others

    def __str__(self) -> str:
        more = "".join(f", {line}" for line in self.others)
        also = f"; lines refused: {self.line}{more}" if more else ""
        return f"line {self.line}: {self.text.strip()!r} is refused: {self.reason}{also}"


class JumpError(MachineError):
    """A jump to an address that the program does not have.

    Attributes:
        address: Where the jump goes.
        line: Its source line, from 1.
        end: The address behind the last instruction, the highest one to jump to.
        size: How far apart two addresses are.
    """

    def __init__(self, address: int, line: int, end: int, size: int = 1) -> None:
        super().__init__(address, line, end, size)
        self.address = address
        self.line = line
        self.end = end
        self.size = size

    def __str__(self) -> str:
        steps = "" if self.size == 1 else f" in steps of {self.size}"
        return (
            f"line {self.line}: a jump to {self.address}, outside of the program, "
            f"whose addresses are 0 to {self.end}{steps}"
        )


class CycleLimitError(MachineError):
    """A program has not stopped within the number of instructions that it may execute.

    Attributes:
        limit: Instructions that were executed.
        line: The source line that would be next, from 1.
    """

    def __init__(self, limit: int, line: int) -> None:
        super().__init__(limit, line)
        self.limit = limit
        self.line = line

    def __str__(self) -> str:
        return (
            f"not stopped after {self.limit} cycles, next is line {self.line}; "
            "look for an endless loop, or raise the limit"
        )


class IsaError(KvrmError):
    """A grammar and its schemas disagree."""


class SemanticsError(IsaError):
    """The set does not say what its operations do, or says what cannot be."""


class ConstraintError(KvrmError):
    """The output language cannot be compiled."""


class LimitError(KvrmError, ValueError):
    """A limit on tokens is below the longest answer that the language has."""


class TokenIndexError(KvrmError):
    """The token index cannot be built or read."""


class ModelError(KvrmError):
    """Base model or adapter cannot be used."""


class BaseModelError(ModelError):
    """The base model is missing, damaged or cannot be fetched."""


class AdapterError(ModelError):
    """The adapter is missing, damaged or made for another base model."""


class ExportError(ModelError):
    """No graph is built for this base model or adapter."""


class DecodeError(KvrmError):
    """Decoding was stopped before an answer was complete."""


class BatchError(KvrmError):
    """A batch of files cannot be run, or not to its end."""


class DataError(KvrmError, ValueError):
    """A training or evaluation file is malformed."""
