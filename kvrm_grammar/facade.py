"""The convenient front: functions for callers who want one answer.

In: an instruction or a program. Out: operations with labels resolved, and reasons for
refusals. The model's answer is never changed here; the reference parser only explains why a
text was refused. torch is loaded when a model is, not when this module is.
"""

from collections.abc import Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING

from kvrm_grammar.decoding.decoded import Refusal
from kvrm_grammar.decoding.reasons import refusal_reason
from kvrm_grammar.dialects.registry import find_dialect
from kvrm_grammar.errors import InputError, ModelError
from kvrm_grammar.isa.operations import INVALID, Operation
from kvrm_grammar.oracle.program import Program, assemble, resolve_labels

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import ConstraintName
    from kvrm_grammar.decoding.decoder import Decoder

__all__ = ["decode_program", "decode_structured", "default_decoder", "refusal_reason"]

_LOADED: dict[str, "Decoder"] = {}
_LOADING: dict[str, Lock] = {}


def default_decoder(dialect: str = "strict") -> "Decoder":
    """Load the packaged adapter of a dialect once per process.

    Each dialect has a model of its own, so that neither its answers nor its speed depend on
    what else the process decodes. Two of them hold the base's weights twice (about 540 MB
    each in float32, 270 MB in bfloat16);
    :func:`~kvrm_grammar.decoding.sharing.load_decoders` holds them once, and decodes about a
    fifth slower. A decoder that is loaded is handed out without waiting for anything.

    Args:
        dialect: ``strict`` or ``lenient``.

    Returns:
        The same decoder every time; threads may share it.

    Raises:
        InputError: There is no such dialect.
        ModelError: The model cannot be loaded; the next call tries again.
    """
    find_dialect(dialect)
    if dialect not in _LOADED:
        with _LOADING.setdefault(dialect, Lock()):
            if dialect not in _LOADED:
                _LOADED[dialect] = _load_decoder(dialect)
    return _LOADED[dialect]


def decode_structured(
    text: str,
    *,
    labels: Mapping[str, int] | None = None,
    dialect: str = "strict",
    constraint: "ConstraintName" = "grounded",
    min_confidence: float = 0.0,
    alternatives: int = 0,
) -> Operation:
    """Decode one instruction with the packaged model.

    Args:
        text: One instruction of at most 256 characters.
        labels: Addresses of labels; None keeps labels as names.
        dialect: ``strict``, or ``lenient`` for what people write.
        constraint: ``grounded``: operands come from the text; ``schema``: any operation.
        min_confidence: Refuse what is less probable; 0.98 is the cautious choice for the lenient
            dialect, where the README says what each threshold buys.
        alternatives: How many of the most probable answers a refusal brings along. The search
            for them takes up to a hundred forward passes, so none are searched by default.

    Returns:
        The operation the model chose. What is no instruction gives a :class:`Refusal`: an
        ``OP_INVALID`` with the reason, which is ``uncertain`` for lack of confidence.

    Raises:
        LineTooLongError: The line is longer.
        UnknownLabelError: ``labels`` was given and lacks the label.
        InputError: The dialect or the constraint does not exist.
        ValueError: ``min_confidence`` is not from 0 to 1, or ``alternatives`` is negative.
        ModelError: The model cannot be loaded.
    """
    if alternatives < 0:
        raise ValueError(f"alternatives must be at least 0, got {alternatives}")
    decoder = default_decoder(dialect)
    if constraint != "grounded":
        decoder = decoder.constrained(constraint)
    decoded = decoder.decode(text, min_confidence=min_confidence)
    assert decoded.operation is not None  # decode() raises instead
    if decoded.operation == INVALID:
        found = decoder.alternatives(decoded, alternatives) if alternatives else ()
        return Refusal.explained(text, decoded.reason or "", found)
    if labels is None:
        return decoded.operation
    return resolve_labels(decoded.operation, labels)


def decode_program(
    source: str, *, dialect: str | None = None, decoder: "Decoder | None" = None
) -> Program:
    """Decode a whole source text with the model; labels become instruction addresses.

    Args:
        source: Lines with comments, label definitions and instructions.
        dialect: ``strict``, or ``lenient`` for what people write; None for the decoder's own,
            or without a decoder for the strict one.
        decoder: None for the packaged model of the dialect.

    Returns:
        The program; lines the model refused stay in it as ``OP_INVALID``, with a reason.

    Raises:
        ProgramError: A label is defined twice, or a line is too long.
        UnknownLabelError: A jump's label is defined nowhere.
        InputError: There is no such dialect, or the decoder is for another one.
        ModelError: The model cannot be loaded.
    """
    wanted = None if dialect is None else find_dialect(dialect).name
    model = decoder or default_decoder(wanted or "strict")
    name = model.dialect.name
    if wanted not in (None, name):
        raise InputError(
            f"the decoder is for the dialect {name!r}, not {wanted!r}; name one of the two alone"
        )

    def decode(lines: list[str]) -> Iterator[Operation]:
        for decoded in model.decode_many(lines):
            if decoded.operation is None:
                raise decoded.error or ModelError(f"no answer for {decoded.text!r}")
            yield decoded.operation

    return assemble(source, decode, reason=lambda text: refusal_reason(text, name))


def _load_decoder(dialect: str) -> "Decoder":
    from kvrm_grammar.decoding.decoder import Decoder  # loads torch

    return Decoder.from_pretrained(dialect=dialect)
