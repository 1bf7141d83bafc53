"""What an instruction's own text lets be answered, as texts.

In: what the text mentions and implies. Out: whole answers. Every operand is a mention, each used
once at most, or what a word implies for just that operand of that operation; numbers are decimal
already. There is always one answer, the refusal, and never more than :data:`MAX_MEMBERS`.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from operator import add

from kvrm_grammar.concurrency import cached_property
from kvrm_grammar.isa import (
    INVALID,
    Domain,
    Implied,
    InstructionSet,
    Mentions,
    operation_to_json,
)

__all__ = ["MAX_MEMBERS", "Candidates"]

MAX_MEMBERS = 20_000
"""No language has more members: where a text mentions so many different values that it would, the
first of each domain count, :attr:`Candidates.most_values` of them or more."""

_Domains = tuple[Domain, ...]
_Extra = tuple[tuple[str, ...], ...]  # of each operand the values that are implied for it


@dataclass(frozen=True)
class Candidates:
    """The answers that mentions allow. Immutable.

    Attributes:
        isa: The instruction set.
        shorthand: Whether one mention of a name may stand for two of three operands, the
            destination being the first source too that is not implied.
    """

    isa: InstructionSet
    shorthand: bool = False

    def of(self, found: Mentions) -> list[str]:
        """List the answers.

        Args:
            found: What a text mentions and implies.

        Returns:
            Texts of operations, each once, the refusal first. An operation of which the text does
            not mention enough has none.
        """
        texts = [operation_to_json(INVALID)]
        mentioned = {domain: Counter(values) for domain, values in found.items()}
        implied = self._implied(found.implied)
        limit = self._limit(mentioned, implied)
        choices: dict[tuple[int, _Extra], list[tuple[str, ...]]] = {}
        rows = zip(self._heads, self._groups, implied, strict=True)
        for (head, names, domains), group, extra in rows:
            own = choices.get((group, extra))
            if own is None:
                own = self._choices(domains, extra, mentioned, limit)
                choices[group, extra] = own
            if own:
                texts += [head + "".join(map(add, names, values)) + "}}" for values in own]
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

    def _implied(self, implied: Sequence[Implied]) -> list[_Extra]:
        """For each opcode what is implied for each of its operands."""
        found = list(self._nothing)
        for key, name, value in implied:
            place, slot = self._places[key, name]
            own = found[place]
            found[place] = (*own[:slot], (*own[slot], value), *own[slot + 1 :])
        return found

    def _limit(self, mentioned: Mapping[Domain, Counter[str]], implied: Sequence[_Extra]) -> int:
        """How many different values count for an operand in this text; its language is bounded."""
        most = self.most_values
        widest = max((len(values) for extra in implied for values in extra), default=0)
        limit = max(map(len, mentioned.values()), default=0) + widest
        if limit <= most:
            return most
        sizes = [
            [
                len(mentioned.get(domain, ())) + len(values)
                for domain, values in zip(domains, extra, strict=True)
            ]
            for (_, _, domains), extra in zip(self._heads, implied, strict=True)
        ]
        while limit > most and _size(sizes, limit) > MAX_MEMBERS:
            limit -= 1
        return max(limit, most)

    @cached_property
    def _groups(self) -> tuple[int, ...]:
        """For each opcode a number, the same for those whose operands are of the same domains."""
        numbers: dict[_Domains, int] = {}
        return tuple(numbers.setdefault(own, len(numbers)) for _, _, own in self._heads)

    @cached_property
    def _nothing(self) -> tuple[_Extra, ...]:
        return tuple(((),) * len(domains) for _, _, domains in self._heads)

    @cached_property
    def _places(self) -> dict[tuple[str, str], tuple[int, int]]:
        """By opcode and operand the place of each."""
        return {
            (opcode.key, operand.name): (place, slot)
            for place, opcode in enumerate(self.isa.opcodes)
            for slot, operand in enumerate(opcode.operands)
        }

    def _choices(
        self,
        domains: _Domains,
        implied: _Extra,
        mentioned: Mapping[Domain, Counter[str]],
        limit: int,
    ) -> list[tuple[str, ...]]:
        """All operands of these domains; no value more often than mentioned, but where implied."""
        slots = [
            [*dict.fromkeys((*extra, *mentioned.get(domain, ())))][:limit]
            for domain, extra in zip(domains, implied, strict=True)
        ]
        if not all(slots):
            return []
        found = product(*slots)
        if len(frozenset(chain(*slots))) == sum(map(len, slots)):
            return list(found)  # no value is of two operands, so none comes twice
        shorthand = self.shorthand and _has_shorthand(domains)

        def fits(values: tuple[str, ...]) -> bool:
            if len(set(values)) == len(values):
                return True
            written = [
                (domain, value)
                for domain, value, extra in zip(domains, values, implied, strict=True)
                if value not in extra
            ]
            if shorthand and values[0] not in implied[0] and written[:1] == written[1:2]:
                del written[0]  # the destination is the first source too
            return all(written.count(one) <= mentioned[one[0]][one[1]] for one in written)

        return [values for values in found if fits(values)]

    @cached_property
    def _heads(self) -> tuple[tuple[str, tuple[str, ...], _Domains], ...]:
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


def _size(sizes: Sequence[Sequence[int]], limit: int) -> int:
    """Members at most, of operations whose operands have so many values each."""
    return 1 + sum(math.prod(min(size, limit) for size in own) for own in sizes)


def _members(domain: Domain) -> int:
    """How many values a domain has; more than any text mentions where it has labels."""
    if domain.has_labels:
        return MAX_MEMBERS
    integers = domain.integers
    steps = 0 if integers is None else (integers.high - integers.low) // integers.step + 1
    return len(domain.names) + steps


def _has_shorthand(domains: Sequence[Domain]) -> bool:
    """Whether the first two of three operands are names of one kind.

    ``sub r5 r3`` is R5, R5, R3: the destination is the first source too. So is ``addi a0, 4``,
    where the third is a number, and ``neg a0``, where the second is implied. Where the third is a
    target, the first is compared, and no destination.
    """
    return (
        len(domains) == 3
        and domains[0] == domains[1]
        and bool(domains[0].names and not domains[2].has_labels)
    )
