"""What an instruction's own text lets be answered, as texts.

In: what the text mentions, by domain. Out: whole answers. Every operand is a mention, each mention
is used once at most, numbers are decimal already. There is always one answer, the refusal, and
never more than :data:`MAX_MEMBERS`.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from operator import add

from kvrm_grammar.isa import INVALID, Domain, InstructionSet, Mentions, operation_to_json

__all__ = ["MAX_MEMBERS", "Candidates"]

MAX_MEMBERS = 20_000
"""No language has more members: where a text mentions so many different values that it would, the
first of each domain count, :attr:`Candidates.most_values` of them or more."""


@dataclass(frozen=True)
class Candidates:
    """The answers that mentions allow. Immutable.

    Attributes:
        isa: The instruction set.
        shorthand: Whether one mention of a name may stand for the first two of three operands,
            the destination being the first source too.
    """

    isa: InstructionSet
    shorthand: bool = False

    def of(self, found: Mentions) -> list[str]:
        """List the answers.

        Args:
            found: What a text mentions, by domain.

        Returns:
            Texts of operations, each once, the refusal first. An operation of which the text does
            not mention enough has none.
        """
        texts = [operation_to_json(INVALID)]
        mentioned = {domain: Counter(values) for domain, values in found.items()}
        limit = self._limit(mentioned)
        choices = [self._choices(domains, mentioned, limit) for domains in self._alike]
        for (head, names, _), group in zip(self._heads, self._groups, strict=True):
            texts += [head + "".join(map(add, names, values)) + "}}" for values in choices[group]]
        return texts

    @cached_property
    def most_values(self) -> int:
        """How many different values of a domain count, whatever the text mentions."""
        most = 1
        while most < MAX_MEMBERS and self.bound(most + 1) <= MAX_MEMBERS:
            most += 1
        return most

    def bound(self, values: int) -> int:
        """Members of a language, at most, where a text mentions so many values of each domain."""
        return 1 + sum(
            math.prod(min(values, _members(domain)) for domain in domains)
            for _, _, domains in self._heads
        )

    def _limit(self, mentioned: Mapping[Domain, Counter[str]]) -> int:
        """How many different values of a domain count in this text; its language is bounded."""
        sizes = {domain: len(values) for domain, values in mentioned.items()}
        limit = max(sizes.values(), default=0)
        if limit <= self.most_values:
            return self.most_values
        while limit > self.most_values and self._size(sizes, limit) > MAX_MEMBERS:
            limit -= 1
        return max(limit, self.most_values)

    def _size(self, sizes: Mapping[Domain, int], limit: int) -> int:
        """Members at most, where so many values of each domain are mentioned."""
        return 1 + sum(
            count * math.prod(min(sizes.get(domain, 0), limit) for domain in domains)
            for domains, count in self._alike.items()
        )

    @cached_property
    def _alike(self) -> Counter[tuple[Domain, ...]]:
        """How many opcodes have operands of the same domains."""
        return Counter(domains for _, _, domains in self._heads)

    @cached_property
    def _groups(self) -> tuple[int, ...]:
        """For each opcode the place of its operands' domains among those that differ."""
        places = {domains: place for place, domains in enumerate(self._alike)}
        return tuple(places[domains] for _, _, domains in self._heads)

    def _choices(
        self, domains: Sequence[Domain], mentioned: Mapping[Domain, Counter[str]], limit: int
    ) -> list[tuple[str, ...]]:
        """All operands of these domains; no value more often than it is mentioned."""
        counts = [mentioned.get(domain, Counter()) for domain in domains]
        slots = [[*own][:limit] for own in counts]
        shorthand = self.shorthand and _may_be_shorthand(domains, counts)

        def fits(values: tuple[str, ...]) -> bool:
            if len(set(values)) == len(values):
                return True
            if shorthand and values[0] == values[1]:
                return values[0] != values[2] or counts[0][values[0]] >= 2
            used = Counter(zip(domains, values, strict=True))
            return all(count <= mentioned[domain][value] for (domain, value), count in used.items())

        return [values for values in product(*slots) if fits(values)]

    @cached_property
    def _heads(self) -> tuple[tuple[str, tuple[str, ...], tuple[Domain, ...]], ...]:
        """For each opcode the beginning of its JSON, and its operands' names and domains."""
        return tuple(
            (
                f'{{"key":"{opcode.key}","params":{{',
                tuple(
                    f'{"," if place else ""}"{operand.name}":'
                    for place, operand in enumerate(opcode.operands)
                ),
                tuple(operand.domain for operand in opcode.operands),
            )
            for opcode in self.isa.opcodes
        )


def _members(domain: Domain) -> int:
    """How many values a domain has; more than any text mentions where it has labels."""
    if domain.has_labels:
        return MAX_MEMBERS
    integers = domain.integers
    steps = 0 if integers is None else (integers.high - integers.low) // integers.step + 1
    return len(domain.names) + steps


def _may_be_shorthand(domains: Sequence[Domain], counts: Sequence[Counter[str]]) -> bool:
    """Whether the first two of three operands are names of one kind, mentioned often enough.

    ``sub r5 r3`` is R5, R5, R3: the destination is the first source too. So is ``addi a0, 4``,
    where the third is a number. Where it is a target, the first is compared, and no destination.
    """
    if len(domains) != 3 or domains[0] != domains[1] or domains[2].has_labels:
        return False
    return bool(domains[0].names) and counts[0].total() >= 1 + (domains[2] == domains[0])
