"""What an operand may be: names, integers, labels, or a union of these.

In: what a schema allows, or what a text says. Out: :class:`Domain`, a value that later stages ask
instead of schemas, and :class:`Mentions`, what one text offers for the operands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from kvrm_grammar.concurrency import cached_property

__all__ = ["Domain", "Implied", "Integers", "Mentions"]


@dataclass(frozen=True)
class Integers:
    """Integers from ``low`` to ``high``, both included, in steps from zero. Immutable."""

    low: int
    high: int
    step: int = 1

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high and value % self.step == 0


@dataclass(frozen=True)
class Domain:
    """The values of an operand. Immutable and hashable; at least one of the three is there.

    Attributes:
        names: Canonical names, such as registers.
        integers: Which integers, or None.
        label_max_length: Characters that a label may have; None where no label is allowed.
    """

    names: tuple[str, ...] = ()
    integers: Integers | None = None
    label_max_length: int | None = None

    @cached_property
    def _hash(self) -> int:
        return hash((self.names, self.integers, self.label_max_length))

    def __hash__(self) -> int:
        # Domains are the keys of all that is asked of a text; their names are many.
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        return _fields_alone(self)

    @property
    def has_labels(self) -> bool:
        """Whether a label is allowed."""
        return self.label_max_length is not None

    def has_value(self, value: int | str) -> bool:
        """Whether a value is one of the names or integers; labels do not count."""
        if isinstance(value, str):
            return value in self.names
        return self.integers is not None and value in self.integers

    def __str__(self) -> str:
        parts = []
        if self.names:
            parts.append(f"one of {len(self.names)} names ({self.names[0]}…{self.names[-1]})")
        if self.integers is not None:
            step = f" in steps of {self.integers.step}" if self.integers.step != 1 else ""
            parts.append(f"an integer {self.integers.low}…{self.integers.high}{step}")
        if self.label_max_length is not None:
            parts.append(f"a label of at most {self.label_max_length} characters")
        return " or ".join(parts)


def _fields_alone(value: "Domain | Mentions") -> dict[str, object]:
    """What is pickled: a hash of texts, kept or in a mapping, is another in another process."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


Implied = tuple[str, str, str]
"""The key of an opcode, one of its operands, and the JSON value that a text implies for it."""


@dataclass(frozen=True)
class Mentions(Mapping[Domain, tuple[str, ...]]):
    """What a text offers for the operands of an answer. Immutable, hashable.

    As a mapping: by domain what is written, as JSON values in order of appearance.

    Attributes:
        written: The same as pairs.
        implied: What words imply without writing it, of which operation and for which operand.
    """

    written: tuple[tuple[Domain, tuple[str, ...]], ...]
    implied: tuple[Implied, ...] = ()

    def __getstate__(self) -> dict[str, object]:
        return _fields_alone(self)

    @cached_property
    def _by_domain(self) -> dict[Domain, tuple[str, ...]]:
        return dict(self.written)

    def __getitem__(self, domain: Domain) -> tuple[str, ...]:
        return self._by_domain[domain]

    def __iter__(self) -> Iterator[Domain]:
        return iter(self._by_domain)

    def __len__(self) -> int:
        return len(self._by_domain)
