"""The convenient front: functions for callers who want one answer.

In: an instruction or a program. Out: operations with labels resolved, and reasons for
refusals. The model's answer is never changed here; the reference parser only explains why a
text was refused. What runs a model is loaded when one is, not when
this module is.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kvrm_grammar.concurrency import ForkLock
from kvrm_grammar.decoding.decoded import Decoded, Refusal
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import InputError, ModelError
from kvrm_grammar.isa import INVALID, InstructionSet, OperationModel, load_set
from kvrm_grammar.oracle.program import Program, assemble, resolve_labels

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import ConstraintName
    from kvrm_grammar.decoding.decoder import Decoder

__all__ = ["decode_program", "decode_structured", "default_decoder"]

_Key = tuple[str, str, str]  # source and digest of the set, and dialect
_LOADED: dict[_Key, "Decoder"] = {}
_LOADING: dict[_Key, ForkLock] = {}


def default_decoder(
    dialect: str = "strict", isa: str | Path | InstructionSet | None = None
) -> "Decoder":
    """Load the packaged adapter of a set's dialect once per process.

    Each dialect has a model of its own, so that neither its answers nor its speed depend on
    what else the process decodes. Compiled graphs share the embedding alone; in torch
    :func:`~kvrm_grammar.decoding.sharing.load_decoders` holds the base's weights once for several
    dialects, and decodes slower. A decoder that is loaded is handed out without waiting for
    anything.

    Args:
        dialect: ``strict`` or ``lenient``.
        isa: Instruction set; None for the default one.

    Returns:
        The same decoder every time; threads may share it.

    Raises:
        InputError: There is no such dialect.
        IsaError: There is no such set.
        ModelError: The model cannot be loaded; the next call tries again. Or another thread was
            loading one when this process was forked: what Python had imported by half stays locked.
    """
    loaded = load_set(isa)
    key = (loaded.source, loaded.digest, find_dialect(dialect, loaded).name)
    if key not in _LOADED:
        with _LOADING.setdefault(key, ForkLock()):
            if any(one.was_held for one in tuple(_LOADING.values())):
                raise ModelError(
                    "this process was forked while another thread loaded a model, and cannot "
                    "load one: fork before or afterwards, or start it by 'spawn'"
                )
            if key not in _LOADED:
                _LOADED[key] = _load_decoder(dialect, loaded)
    return _LOADED[key]


def decode_structured(
    text: str,
    *,
    labels: Mapping[str, int] | None = None,
    isa: str | Path | InstructionSet | None = None,
    dialect: str = "strict",
    constraint: "ConstraintName" = "grounded",
    min_confidence: float = 0.0,
    alternatives: int = 0,
) -> OperationModel:
    """Decode one instruction with the packaged model.

    Args:
        text: One instruction of at most 256 characters.
        labels: Addresses of labels; None keeps labels as names.
        isa: Instruction set that comes with an adapter; None for the default one.
        dialect: ``strict``, or ``lenient`` for what people write.
        constraint: ``grounded``: operands come from the text; ``schema``: any operation.
        min_confidence: Refuse what is less probable; an adapter's manifest names a cautious
            value, and docs/evaluation.md says what each threshold buys.
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
    decoder = default_decoder(dialect, isa)
    if constraint != "grounded":
        decoder = decoder.constrained(constraint)
    decoded = decoder.decode(text, min_confidence=min_confidence)
    assert decoded.operation is not None  # decode() raises instead
    if decoded.operation == INVALID:
        found = decoder.alternatives(decoded, alternatives) if alternatives else ()
        return Refusal.explained(text, decoded.reason or "", found)
    if labels is None:
        return decoded.operation
    return resolve_labels(decoded.operation, labels, isa=decoder.isa)


def decode_program(
    source: str,
    *,
    isa: str | Path | InstructionSet | None = None,
    dialect: str | None = None,
    decoder: "Decoder | None" = None,
    min_confidence: float = 0.0,
) -> Program:
    """Decode a whole source text with the model; labels become instruction addresses.

    Args:
        source: Lines with comments, label definitions and instructions.
        isa: Instruction set; None for the decoder's own, or without a decoder for the default.
        dialect: ``strict``, or ``lenient`` for what people write; None for the decoder's own,
            or without a decoder for the strict one.
        decoder: None for the packaged model of set and dialect.
        min_confidence: Refuse, with the reason ``uncertain``, what is less probable.

    Returns:
        The program; lines the model refused stay in it as ``OP_INVALID``, with a reason.

    Raises:
        ProgramError: A label is defined twice, or a line is too long.
        UnknownLabelError: A jump's label is defined nowhere.
        InputError: There is no such dialect, or the decoder is for another dialect or set.
        IsaError: There is no such set.
        ModelError: The model cannot be loaded.
        ValueError: ``min_confidence`` is not from 0 to 1.
    """
    model = decoder or default_decoder(dialect or "strict", isa)
    own = model.dialect
    if dialect not in (None, own.name) and find_dialect(dialect or "", own.isa) != own:
        raise InputError(
            f"the decoder is for the dialect {own.name!r}, not {dialect!r}; name one of the two"
        )
    if isa is not None and load_set(isa) is not own.isa:
        raise InputError(f"the decoder is for the set {own.isa.name!r}, not {isa!r}")

    def decode(lines: list[str]) -> Iterator[Decoded]:
        for decoded in model.decode_many(lines, min_confidence=min_confidence):
            if decoded.operation is None:
                raise decoded.error or ModelError(f"no answer for {decoded.text!r}")
            yield decoded

    return assemble(source, decode, isa=own.isa, split=own.split)


def _load_decoder(dialect: str, isa: InstructionSet) -> "Decoder":
    from kvrm_grammar.decoding.decoder import Decoder  # loads the backend

    return Decoder.from_pretrained(isa=isa, dialect=dialect)
