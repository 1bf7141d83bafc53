"""The convenient front: functions and classes for callers who want one answer.

In: an instruction or a program. Out: operations with labels resolved, reasons for
refusals, and the interface ``DecodeLLM`` of the first training report. The model's answer
is never changed here; the reference parser only explains why a text was refused. torch is
loaded when a model is, not when this module is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from kvrm_grammar.decoding.decoded import Refusal
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import KvrmError, ModelError
from kvrm_grammar.isa import INVALID, INVALID_KEY
from kvrm_grammar.isa import OperationModel as Operation
from kvrm_grammar.oracle.program import Program, assemble, resolve_labels
from kvrm_grammar.oracle.reference import explain, parse
from kvrm_grammar.resources import resource_path

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import ConstraintName
    from kvrm_grammar.decoding.decoder import Decoder

__all__ = [
    "DecodeLLM",
    "DecodeResult",
    "decode_program",
    "decode_structured",
    "default_decoder",
    "refusal_reason",
]

_LOADED: dict[str, "Decoder"] = {}
_LOADING = Lock()


def default_decoder(dialect: str = "strict") -> "Decoder":
    """Load the packaged adapter of a dialect once per process.

    When a second dialect is asked for, both adapters are put on one base model, which then
    is in memory once. A decoder handed out before stays as it is, with a base of its own.

    Raises:
        InputError: There is no such dialect.
        ModelError: The model cannot be loaded.
    """
    read = find_dialect(dialect)
    with _LOADING:
        if dialect not in _LOADED:
            if _LOADED:
                _LOADED.update(_share_base((*_LOADED, dialect)))
            else:
                _LOADED[dialect] = _load_decoder(resource_path(read.adapter), dialect)
        return _LOADED[dialect]


def decode_structured(
    text: str,
    *,
    labels: Mapping[str, int] | None = None,
    dialect: str = "strict",
    constraint: "ConstraintName" = "grounded",
    min_confidence: float = 0.0,
) -> Operation:
    """Decode one instruction with the packaged model.

    Args:
        text: One instruction of at most 256 characters.
        labels: Addresses of labels; None keeps labels as names.
        dialect: ``strict``, or ``lenient`` for what people write.
        constraint: ``grounded``: operands come from the text; ``schema``: any operation.
        min_confidence: Refuse what is less probable; 0.98 is the cautious choice for the lenient
            dialect, where the README says what each threshold buys.

    Returns:
        The operation the model chose. What is no instruction gives a :class:`Refusal`: an
        ``OP_INVALID`` with the reason, and where that is ``uncertain`` with the three most
        probable answers.

    Raises:
        LineTooLongError: The line is longer.
        UnknownLabelError: ``labels`` was given and lacks the label.
        InputError: The dialect or the constraint does not exist.
        ValueError: ``min_confidence`` is not from 0 to 1.
        ModelError: The model cannot be loaded.
    """
    decoder = default_decoder(dialect)
    if constraint != "grounded":
        decoder = decoder.constrained(constraint)
    decoded = decoder.decode(text, min_confidence=min_confidence)
    assert decoded.operation is not None  # decode() raises instead
    if decoded.operation == INVALID:
        others = decoded.alternatives(3) if decoded.reason else ()
        return Refusal.explained(text, decoded.reason or refusal_reason(text, dialect), others)
    if labels is None:
        return decoded.operation
    return resolve_labels(decoded.operation, labels)


def decode_program(
    source: str,
    *,
    dialect: str = "strict",
    decoder: "Decoder | None" = None,
    min_confidence: float = 0.0,
) -> Program:
    """Decode a whole source text with the model; labels become instruction addresses.

    Args:
        source: Lines with comments, label definitions and instructions.
        dialect: ``strict``, or ``lenient`` for what people write.
        decoder: None for the packaged model of the dialect; another has a dialect of its own.
        min_confidence: Refuse, with the reason ``uncertain``, what is less probable.

    Returns:
        The program; lines the model refused stay in it as ``OP_INVALID``, with a reason.

    Raises:
        ProgramError: A label is defined twice, or a line is too long.
        UnknownLabelError: A jump's label is defined nowhere.
        InputError: There is no such dialect.
        ValueError: ``min_confidence`` is not from 0 to 1.
        ModelError: The model cannot be loaded.
    """
    model = decoder or default_decoder(dialect)
    name = model.dialect.name
    reasons: dict[str, str] = {}

    def decode(lines: list[str]) -> Iterator[Operation]:
        for decoded in model.decode_many(lines, min_confidence=min_confidence):
            if decoded.operation is None:
                raise decoded.error or ModelError(f"no answer for {decoded.text!r}")
            if decoded.reason is not None:
                reasons[decoded.text] = decoded.reason
            yield decoded.operation

    return assemble(
        source, decode, reason=lambda text: reasons.get(text) or refusal_reason(text, name)
    )


def refusal_reason(text: str, dialect: str = "strict") -> str:
    """Say why a dialect refuses a text; of one that has no rules, that the model refused it."""
    reason = explain(text).reason if dialect == "strict" else None
    return reason or "the model did not recognise this instruction"


@dataclass(frozen=True)
class DecodeResult:
    """The answer of :class:`DecodeLLM`. Immutable.

    Attributes:
        key: Opcode, such as ``OP_SUB``.
        params: Operands by name; ``{"raw": text}`` for ``OP_INVALID``.
        valid: Whether the text was an instruction whose labels are known.
        error: Why not, or None.
        raw_instruction: The text as given.
    """

    key: str
    params: dict[str, Any]
    valid: bool
    error: str | None
    raw_instruction: str


class DecodeLLM:
    """Decode instructions with a model, or without one for tests.

    Args:
        mock_mode: Answer from the reference parser; no model is loaded.
        model_path: Adapter folder; where it does not exist from the current folder, the
            packaged one of that name is taken; None for the packaged one of the dialect.
        dialect: ``strict`` or ``lenient``.
        min_confidence: Refuse what is less probable, with the error ``uncertain``.

    Mutable: :meth:`load` and :meth:`set_labels` change it.

    >>> DecodeLLM(mock_mode=True).decode("sub r5 r3 r1").params
    {'dest': 'R5', 'src1': 'R3', 'src2': 'R1'}
    """

    def __init__(
        self,
        mock_mode: bool = False,
        model_path: str | Path | None = None,
        *,
        dialect: str = "strict",
        min_confidence: float = 0.0,
    ) -> None:
        self.mock_mode = mock_mode
        self.dialect = dialect
        self.min_confidence = min_confidence
        self.model_path = Path(find_dialect(dialect).adapter if model_path is None else model_path)
        self._decoder: Decoder | None = None
        self._labels: dict[str, int] | None = None

    def load(self) -> None:
        """Load the model; does nothing in mock mode.

        Raises:
            ModelError: Adapter or base model cannot be used.
        """
        if self.mock_mode:
            return
        path = self.model_path.expanduser()
        if not path.exists() and not path.is_absolute():
            path = resource_path(path.as_posix())
        self._decoder = _load_decoder(path, self.dialect)

    def set_labels(self, labels: Mapping[str, int]) -> None:
        """Set the addresses that labels resolve to from now on."""
        self._labels = dict(labels)

    def decode(self, text: str) -> DecodeResult:
        """Decode one instruction.

        Args:
            text: One instruction.

        Returns:
            The result; a text that cannot be decoded gives an invalid one, not an error.

        Raises:
            ModelError: The model is not loaded.
        """
        try:
            operation, reason = self._decode(text)
            if self._labels is not None:
                operation = resolve_labels(operation, self._labels)
        except ModelError:
            raise
        except KvrmError as error:
            return DecodeResult(INVALID_KEY, {"raw": text}, False, str(error), text)
        if operation == INVALID:
            reason = reason or refusal_reason(text, self.dialect)
            return DecodeResult(INVALID_KEY, {"raw": text}, False, reason, text)
        return DecodeResult(operation.key, operation.params.model_dump(), True, None, text)

    def _decode(self, text: str) -> tuple[Operation, str | None]:
        if self.mock_mode:
            return parse(text), None
        if self._decoder is None:
            raise ModelError("the model is not loaded: call load() first")
        decoded = self._decoder.decode(text, min_confidence=self.min_confidence)
        assert decoded.operation is not None  # decode() raises instead
        return decoded.operation, decoded.reason


def _load_decoder(adapter: Path, dialect: str) -> "Decoder":
    from kvrm_grammar.decoding.decoder import Decoder  # loads torch

    return Decoder.from_pretrained(adapter, dialect=dialect)


def _share_base(dialects: Iterable[str]) -> "dict[str, Decoder]":
    from kvrm_grammar.decoding.sharing import load_decoders  # loads torch

    return load_decoders(dict.fromkeys(dialects))
