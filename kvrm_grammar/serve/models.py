"""Decoders as the server sees them: each dialect is a model with a name.

In: settings. Out: :class:`Catalog`, known at once, and :class:`Model`, which takes seconds to load.
What runs a model is imported when one is loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol

from kvrm_grammar.dialects import Dialect, find_dialect
from kvrm_grammar.errors import InputError, LimitError
from kvrm_grammar.isa import InstructionSet, load_set
from kvrm_grammar.isa.sampling import draw_text
from kvrm_grammar.serve.problems import RequestError
from kvrm_grammar.serve.settings import Settings

if TYPE_CHECKING:
    from kvrm_grammar.decoding.decoded import Decoded
    from kvrm_grammar.decoding.decoder import Decoder
    from kvrm_grammar.decoding.posterior import Posterior

__all__ = ["Catalog", "DecoderModel", "Model", "catalog_of", "load_models", "samples", "warm_up"]

_SAMPLES = 8
_SAMPLE_SEED = 5


class Model(Protocol):
    """What answers texts of one dialect; one thread at a time asks it."""

    def decode(self, texts: Sequence[str], min_confidence: float) -> "list[Decoded]":
        """Decode texts, in order; an error of one is in its place."""

    def posterior(self, decoded: "Decoded") -> "Posterior":
        """The distribution over all answers to a text that was decoded.

        Raises:
            KvrmError: It cannot be computed.
        """

    def prompt_tokens(self, decoded: "Decoded") -> int:
        """Token IDs that the model read for it."""


@dataclass(frozen=True)
class Catalog:
    """Which models a server has. Immutable.

    Attributes:
        isa: The instruction set.
        dialects: By the model's name, such as set, hyphen and dialect.
    """

    isa: InstructionSet
    dialects: Mapping[str, Dialect]

    def find(self, isa: str | None, dialect: str | None) -> str:
        """The name of the model for a set and a dialect; None for the first that is served.

        Raises:
            RequestError: This server has none.
        """
        if isa not in (None, self.isa.name):
            message = f"this server reads the instruction set {self.isa.name!r}, not {isa!r}"
            raise RequestError(404, "isa_not_found", message, param="isa")
        for name, own in self.dialects.items():
            if dialect in (None, own.name):
                return name
        known = ", ".join(own.name for own in self.dialects.values())
        message = f"no dialect {dialect!r}; this server has {known}"
        raise RequestError(404, "dialect_not_found", message, param="dialect")

    def check(self, model: str) -> None:
        """Check a model's name.

        Raises:
            RequestError: This server has no such model.
        """
        if model not in self.dialects:
            message = f"no model {model!r}; this server has {', '.join(self.dialects)}"
            raise RequestError(404, "model_not_found", message, param="model")


def catalog_of(settings: Settings) -> Catalog:
    """Name the models, without loading them.

    Raises:
        IsaError: There is no such set.
        InputError: The set has no such dialect, or no adapter where none is named.
    """
    isa = load_set(settings.isa)
    names = settings.dialects or [name for name, _ in isa.definition.adapters]
    if not names:
        raise InputError(f"the set {isa.name!r} brings no adapter to serve")
    found = [find_dialect(name, isa) for name in dict.fromkeys(names)]
    return Catalog(isa, {f"{isa.name}-{one.name}": one for one in found})


@dataclass(frozen=True)
class DecoderModel:
    """A decoder as a model of the server. Immutable.

    Attributes:
        decoder: What answers.
        batch_size: Texts per run, at most.
        max_answers: Answers that a distribution may have, at most.
    """

    decoder: "Decoder"
    batch_size: int
    max_answers: int

    def decode(self, texts: Sequence[str], min_confidence: float) -> "list[Decoded]":
        """Decode texts, in order; an error of one is in its place."""
        found = self.decoder.decode_many(
            texts, batch_size=self.batch_size, min_confidence=min_confidence
        )
        return [*found]

    def posterior(self, decoded: "Decoded") -> "Posterior":
        """The distribution over all answers.

        Raises:
            LimitError: There are more answers than may be weighed.
            DecodeError: The model's scores are not numbers.
        """
        if decoded.reading is not None:
            count = len(self.decoder.pipeline.answers(decoded.reading))
            if count > self.max_answers:
                raise LimitError(
                    f"the text's own words allow {count} answers; at most {self.max_answers} are "
                    "weighed here: send a shorter text"
                )
        return self.decoder.posterior(decoded)

    def prompt_tokens(self, decoded: "Decoded") -> int:
        """Token IDs that the model read for it; 0 where it read nothing."""
        pipeline = self.decoder.pipeline
        return 0 if decoded.reading is None else len(pipeline.prompt(decoded.reading))


def samples(isa: InstructionSet) -> list[str]:
    """Some instructions of a set, always the same."""
    rng = Random(_SAMPLE_SEED)
    return [draw_text(rng, isa)[0] for _ in range(_SAMPLES)]


def load_models(catalog: Catalog, settings: Settings) -> dict[str, Model]:
    """Load a decoder for each dialect of the catalog.

    Raises:
        KvrmError: One cannot be loaded.
    """
    from kvrm_grammar.decoding.decoder import Decoder

    limits = settings.limits
    return {
        name: DecoderModel(
            Decoder.from_pretrained(
                isa=catalog.isa,
                dialect=dialect.name,
                backend=settings.backend,
                precision=settings.precision,
            ),
            limits.batch_size,
            limits.max_answers,
        )
        for name, dialect in catalog.dialects.items()
    }


def warm_up(catalog: Catalog, models: Mapping[str, Model]) -> None:
    """Decode the set's mnemonics, one alone and all in batches, and weigh one: firsts are slow."""
    texts = [name for opcode in catalog.isa.opcodes for name in opcode.mnemonics]
    for model in models.values():
        model.posterior(model.decode(texts[:1], 0.0)[0])
        model.decode(texts, 0.0)
