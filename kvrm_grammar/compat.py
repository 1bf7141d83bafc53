"""The interface of the first training report, for programs written against it.

In: an instruction, or a source text. Out: a :class:`DecodeResult`, or the instructions and
labels of the source. New programs use :mod:`kvrm_grammar.facade`, which raises typed errors
and returns typed operations; both ask the same decoder and the same parser.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.dialects.bare_code import one_blank, split_label, without_comments
from kvrm_grammar.errors import InputError, KvrmError, ModelError
from kvrm_grammar.frozen import FrozenDict
from kvrm_grammar.isa import INVALID, INVALID_KEY, OperationModel, load_set
from kvrm_grammar.oracle.program import assemble, resolve_labels
from kvrm_grammar.oracle.reference import Verdict, explain
from kvrm_grammar.resources import resource_path

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoder import Decoder

__all__ = ["DecodeLLM", "DecodeResult", "parse_program"]


@dataclass(frozen=True)
class DecodeResult:
    """The answer of :class:`DecodeLLM`. Immutable; hashable where the operands are.

    Attributes:
        key: Opcode, such as ``OP_SUB``.
        params: Operands by name, kept as a read-only copy; ``{"raw": text}`` for
            ``OP_INVALID``.
        valid: Whether the text was an instruction whose labels are known.
        error: Why not, or None.
        raw_instruction: The text as given.

    >>> DecodeResult("OP_HALT", {}, True)
    DecodeResult(key='OP_HALT', params={}, valid=True, error=None, raw_instruction='')
    """

    key: str
    params: Mapping[str, Any]
    valid: bool
    error: str | None = None
    raw_instruction: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", FrozenDict(self.params))


class DecodeLLM:
    """Decode instructions with a model, or without one for tests.

    Args:
        mock_mode: Answer from the reference parser, which reads the strict dialect; no model
            is loaded.
        model_path: Adapter folder; a relative one that the current folder lacks is looked up
            in the package. None for the packaged adapter of the dialect, whatever folders of
            its name there are elsewhere.
        dialect: ``strict`` or ``lenient``.
        min_confidence: Refuse what is less probable, with the error ``uncertain``.

    Raises:
        InputError: There is no such dialect, or the mock cannot read it.

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
        packaged = resource_path(find_dialect(dialect).adapter or "")
        if mock_mode and dialect != "strict":
            raise InputError(
                f"mock_mode answers from the reference parser, which does not read the dialect "
                f"{dialect!r}; use dialect='strict', or load a model"
            )
        self.mock_mode = mock_mode
        self.dialect = dialect
        self.min_confidence = min_confidence
        self.model_path = packaged if model_path is None else Path(model_path)
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
        from kvrm_grammar.decoding.decoder import Decoder  # loads the backend

        self._decoder = Decoder.from_pretrained(path, dialect=self.dialect)

    def set_labels(self, labels: Mapping[str, int]) -> None:
        """Set the addresses that labels resolve to from now on; others are unknown."""
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
            return DecodeResult(INVALID_KEY, {"raw": text}, False, reason, text)
        return DecodeResult(operation.key, operation.params.model_dump(), True, None, text)

    def _decode(self, text: str) -> tuple[OperationModel, str | None]:
        if self.mock_mode:
            verdict = explain(text)
            return verdict.operation, verdict.reason
        if self._decoder is None:
            raise ModelError("the model is not loaded: call load() first")
        decoded = self._decoder.decode(text, min_confidence=self.min_confidence)
        assert decoded.operation is not None  # decode() raises instead
        return decoded.operation, decoded.reason


def parse_program(source: str) -> tuple[list[str], dict[str, int]]:
    r"""Take a source text apart; the instructions are not decoded, nor need they be any.

    Args:
        source: Lines that end in LF, CR LF or CR.

    Returns:
        The instructions' texts in order, without labels, comments and outer blanks, and for
        each label the index of the instruction that follows it.

    Raises:
        ProgramError: A label is defined twice, or a line with an instruction is too long.

    >>> parse_program("again: dec r1\n\n jnz again ; loop\n halt\nend:")
    (['dec r1', 'jnz again', 'halt'], {'again': 0, 'end': 3})
    """
    isa = load_set()
    program = assemble(source, lambda lines: [Verdict(INVALID, one, isa, "") for one in lines])
    bare = (without_comments(one.text, isa) for one in program.instructions)
    return [one_blank(split_label(text, isa)[1]) for text in bare], dict(program.labels)
