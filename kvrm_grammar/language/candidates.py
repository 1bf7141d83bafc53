"""What an instruction's own text lets be answered, as texts.

In: what the text mentions, by domain. Out: whole answers, and beginnings of answers that go on as
the schema allows. Each mention is used once at most; numbers are decimal already.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from operator import add

from kvrm_grammar.isa import INVALID, Domain, InstructionSet, Mentions, operation_to_json

__all__ = ["Candidates"]


@dataclass(frozen=True)
class Candidates:
    """The answers that mentions allow. Immutable.

    Attributes:
        isa: The instruction set.
        shorthand: Whether two mentions of names may stand for three operands, the
            destination being the first source too.
    """

    isa: InstructionSet
    shorthand: bool = False

    def of(self, found: Mentions) -> tuple[list[str], list[str]]:
        """List the answers.

        Args:
            found: What a text mentions, by domain.

        Returns:
            Whole texts, the refusal first, and beginnings that go on as the schema allows; none
            begins another. An operation that needs a number or a label of which the text mentions
            none, in front of an operand that it does mention, has no answer here: behind such a
            beginning nothing would keep to the mentions.
        """
        whole, beginnings = [operation_to_json(INVALID)], list[str]()
        choices: dict[tuple[Domain, ...], list[tuple[str, ...]]] = {}
        for head, operands in self._heads:
            names, domains = [name for name, _ in operands], tuple(domain for _, domain in operands)
            end = _first_open(domains, found)
            if any(found[domain] is not None for domain in domains[end + 1 :]):
                continue  # the schema would go on with what the text mentions, too
            if domains[:end] not in choices:
                choices[domains[:end]] = self._choices(domains[:end], found)
            rest = names[end] if end < len(domains) else "}}"
            texts = beginnings if end < len(domains) else whole
            for values in choices[domains[:end]]:
                texts.append(head + "".join(map(add, names, values)) + rest)
        return whole, beginnings

    def _choices(self, domains: Sequence[Domain], found: Mentions) -> list[tuple[str, ...]]:
        """All operands of these domains; no value more often than it is mentioned."""
        slots = [
            _every_name(domain) if (own := found[domain]) is None else dict.fromkeys(own)
            for domain in domains
        ]
        mentioned = {domain: Counter(own) for domain, own in found.items() if own is not None}
        different = _names_of_shorthand(domains, found) if self.shorthand else 0

        def fits(values: tuple[str, ...]) -> bool:
            if len(set(values)) == len(values) or _is_shorthand(values, different):
                return True
            used = Counter(zip(domains, values, strict=True))
            return all(
                domain not in mentioned or count <= mentioned[domain][value]
                for (domain, value), count in used.items()
            )

        return [values for values in product(*slots) if fits(values)]

    @cached_property
    def _heads(self) -> tuple[tuple[str, tuple[tuple[str, Domain], ...]], ...]:
        """For each opcode the beginning of its JSON, and its operands' names and domains."""
        return tuple(
            (
                f'{{"key":"{opcode.key}","params":{{',
                tuple(
                    (f'{"," if place else ""}"{operand.name}":', operand.domain)
                    for place, operand in enumerate(opcode.operands)
                ),
            )
            for opcode in self.isa.opcodes
        )


def _every_name(domain: Domain) -> tuple[str, ...]:
    return tuple(json.dumps(name) for name in domain.names)


def _names_of_shorthand(domains: Sequence[Domain], found: Mentions) -> int:
    """How many names two mentions name where three are needed; 0 where that is not so."""
    alike = len(domains) == 3 and len(set(domains)) == 1 and bool(domains[0].names)
    mentioned = (found[domains[0]] or ()) if alike else ()
    return len(set(mentioned)) if len(mentioned) == 2 else 0


def _is_shorthand(values: tuple[str, ...], different: int) -> bool:
    """Whether the destination is the first source too: ``sub r5 r3`` is R5, R5, R3.

    Args:
        values: Three operands, the destination first.
        different: How many different names the text mentions; 0 where it has no shorthand.
    """
    if not different or values[0] != values[1]:
        return False
    return values[0] != values[2] or different == 1


def _first_open(domains: Sequence[Domain], found: Mentions) -> int:
    """The place of the first operand that the schema continues with; all where none is.

    A name that is not mentioned, before an operand that is, is spelled out instead.
    """
    for place, domain in enumerate(domains):
        later = any(found[other] is not None for other in domains[place + 1 :])
        if found[domain] is None and not (domain.names and later):
            return place
    return len(domains)
