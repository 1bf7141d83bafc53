"""Texts of any set with their answers, and members of grounded languages, for the laws of sets.

In: a set or a language. Out: what the laws look at, the same for the same set.
"""

import json
import re
from collections import Counter
from functools import cache
from random import Random

from kvrm_grammar.dialects import DIALECTS, Dialect, find_dialect
from kvrm_grammar.isa import INVALID, Domain, InstructionSet, Mentions, OperationModel
from kvrm_grammar.language.grounding import GroundedLanguage
from kvrm_grammar.oracle.reference import MAX_LINE_LENGTH, parse
from training.texts.strict.refused import refusal_candidate
from training.texts.strict.valid import Variant, valid_variant

__all__ = ["dialects", "follow", "is_told_apart", "members", "refused", "uses", "variants"]


def dialects(isa: InstructionSet) -> list[Dialect]:
    """All that a set has: the lenient one where it brings the data for it."""
    names = [name for name in DIALECTS if name != "lenient" or isa.dialect_data is not None]
    return [find_dialect(name, isa) for name in names]


@cache
def variants(isa: InstructionSet) -> tuple[Variant, ...]:
    """Instructions with what they mean; each form of each opcode occurs several times."""
    rng, found = Random(isa.name), list[Variant]()
    forms = [(opcode, form) for opcode in isa.opcodes for form in opcode.forms]
    for of in [*6 * forms, *max(300, 10 * len(forms)) * [None]]:
        variant = valid_variant(rng, isa, of=of)
        while len(variant.text.rstrip("\r\n")) > MAX_LINE_LENGTH:
            variant = valid_variant(rng, isa, of=of)
        found.append(variant)
    rng.shuffle(found)
    return tuple(found)


@cache
def refused(isa: InstructionSet, count: int = 30) -> tuple[str, ...]:
    """Texts that the grammar refuses."""
    rng, found = Random(isa.name), list[str]()
    while len(found) < count:
        text = refusal_candidate(rng, isa).text
        if len(text) < MAX_LINE_LENGTH and parse(text, isa) == INVALID:
            found.append(text)
    return tuple(found)


def is_told_apart(dialect: Dialect, variant: Variant) -> bool:
    """False where a label is a name with a full stop, which ends a sentence in the lenient one."""
    values = variant.operation.params.model_dump().values()
    labels = (value.rstrip(".") for value in values if str(value).endswith("."))
    return dialect.name == "strict" or not any(re.fullmatch(r"[A-Za-z]+[0-9]+", w) for w in labels)


def follow(language: GroundedLanguage, token_ids: list[int]) -> int | None:
    """The state behind an answer; None where one of its tokens is not in the mask."""
    state: int | None = language.initial_state
    for token_id in token_ids:
        if state is None or token_id not in language.allowed(state):
            return None
        state = language.next_state(state, token_id)
    return state


def members(language: GroundedLanguage, rng: Random, count: int = 20) -> list[str]:
    """All members of a closed language; of another one some, each by a random walk."""
    if language.texts is not None:
        return list(language.texts)
    found = []
    for _ in range(count):
        state, written = language.initial_state, b""
        while (token := rng.choice(language.allowed(state).tolist())) != language.eos_token_id:
            following = language.next_state(state, token)
            assert following is not None
            state, written = following, written + language._grounding.vocabulary.tokens[token]
        found.append(written.decode())
    return found


def uses(
    dialect: Dialect, operation: OperationModel, mentions: Mentions
) -> list[tuple[str, int, int]]:
    """Values of an operation.

    Returns:
        Each value with how often the operation uses it, and how often it may: once for each
        mention and for each operand that it is implied for, and in a dialect with shorthand once
        more.
    """
    if operation == INVALID:
        return []
    operands = dialect.isa.by_key[operation.key].operands
    values = operation.params.model_dump()
    used: Counter[tuple[Domain, str]] = Counter()
    implied: Counter[tuple[Domain, str]] = Counter()
    for operand in operands:
        value = json.dumps(values[operand.name])
        used[operand.domain, value] += 1
        implied[operand.domain, value] += (operation.key, operand.name, value) in mentions.implied
    found = []
    for (domain, value), count in used.items():
        own = mentions[domain]
        most = own.count(value) + implied[domain, value] + (dialect.shorthand and value in own)
        found.append((value, count, most))
    return found
