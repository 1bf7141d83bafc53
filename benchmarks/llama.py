"""llama.cpp with a GBNF grammar, as a user of it would write one.

In: the instruction set, and the base model's GGUF file. Out: the grammar's text, and a
function from prompts to answers. The adapter is not in that file: this arm tells how fast
grammar-constrained decoding of the same base is, not how good its answers are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.isa import InstructionSet
from training.texts.operands import kind_of

__all__ = ["LlamaAnswer", "gbnf", "llama_arm"]

_RULES = r"""
register ::= "\"R" [0-7] "\""
immediate ::= "-"? ("0" | [1-9] [0-9]{0,9})
target ::= "0" | [1-9] [0-9]{0,9} | "\"" [A-Za-z_.] [A-Za-z0-9_.$]{0,63} "\""
"""


@dataclass(frozen=True)
class LlamaAnswer:
    """One completion. Immutable."""

    text: str
    tokens: int  # token IDs generated


def gbnf(isa: InstructionSet, refusal: str) -> str:
    """Write the output language as a GBNF grammar; integer bounds are by digits alone.

    Args:
        isa: The instruction set.
        refusal: Canonical JSON of a refusal.
    """
    lines = []
    for opcode in isa.opcodes:
        parts = [_quoted(f'{{"key":"{opcode.key}","params":{{')]
        for place, operand in enumerate(opcode.operands):
            parts += [_quoted(f'{"," if place else ""}"{operand.name}":'), kind_of(operand)]
        lines.append(" ".join([*parts, _quoted("}}")]))
    return "root ::= " + " | ".join([*lines, _quoted(refusal)]) + _RULES


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def llama_arm(
    gguf: Path, grammar: str, threads: int, max_tokens: int
) -> Callable[[Sequence[str]], list[LlamaAnswer]]:
    """Load the model.

    Args:
        gguf: The base model's file.
        grammar: From :func:`gbnf`.
        threads: As many as the other arms use.
        max_tokens: Limit for an answer.

    Raises:
        ImportError: The package ``llama_cpp`` is not installed.
    """
    import llama_cpp

    model: Any = llama_cpp.Llama(
        str(gguf), n_ctx=512, n_threads=threads, n_threads_batch=threads, verbose=False
    )
    compiled: Any = llama_cpp.LlamaGrammar.from_string(grammar, verbose=False)

    def run(texts: Sequence[str]) -> list[LlamaAnswer]:
        answers = []
        for text in texts:
            result = model.create_completion(
                find_dialect("strict").read(text).prompt,
                grammar=compiled,
                temperature=0.0,
                max_tokens=max_tokens,
            )
            answers.append(
                LlamaAnswer(result["choices"][0]["text"], result["usage"]["completion_tokens"])
            )
        return answers

    return run
