"""A source text through the engine: instructions with addresses, labels resolved.

In: a source text and a model. Out: the program and, for each instruction, the engine's reply. The
text is assembled twice: once without answers, so that what is wrong with its labels is told before
a model is asked, and once with them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.dialects import Dialect
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import INVALID
from kvrm_grammar.oracle.program import Program, assemble
from kvrm_grammar.serve.engine import Reply
from kvrm_grammar.serve.problems import RequestError, as_problem
from kvrm_grammar.serve.rows import operation_row

__all__ = ["decode_source", "program_rows"]

_Ask = Callable[[list[str]], Awaitable[list[Reply]]]


async def decode_source(
    source: str, dialect: Dialect, ask: _Ask, max_lines: int
) -> tuple[Program, list[Reply]]:
    """Decode a source text.

    Args:
        source: Lines that end in LF, CR LF or CR.
        dialect: How its lines are read, and of which set.
        ask: Answers instructions, in order.
        max_lines: Lines that it may have.

    Raises:
        RequestError: Its labels do not hold together, a line is too long or has no answer, or there
            are too many lines.
    """
    lines = 1 + source.count("\n") + source.count("\r")
    if lines > max_lines:
        message = f"{lines} lines; at most {max_lines} in one program"
        raise RequestError(413, "too_many_texts", message, param="source")
    empty = await _assembled(source, dialect, None)
    texts = [one.text for one in empty.instructions]
    replies = await ask(texts) if texts else []
    return await _assembled(source, dialect, [one.decoded for one in replies]), replies


def program_rows(program: Program, replies: list[Reply]) -> list[dict[str, Any]]:
    """A row for each instruction: ``id`` is its number, from 1."""
    pairs = enumerate(zip(program.instructions, replies, strict=True), start=1)
    return [
        {
            **operation_row(number, one.operation, one.reason, None, one.text),
            "confidence": reply.decoded.confidence,
            "address": one.address,
            "line": one.line,
        }
        for number, (one, reply) in pairs
    ]


async def _assembled(source: str, dialect: Dialect, answers: list[Decoded] | None) -> Program:
    def decode(lines: list[str]) -> list[Decoded]:
        if answers is None:
            return [Decoded(text, INVALID) for text in lines]
        for one in answers:
            if one.error is not None:
                raise one.error
        return answers

    try:
        return await asyncio.to_thread(
            assemble, source, decode, isa=dialect.isa, split=dialect.split
        )
    except KvrmError as error:
        raise as_problem(error, "source") from error
