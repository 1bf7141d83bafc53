"""The ways to decode that are compared, all with the same weights.

In: a decoder. Out: :class:`Arm` objects that answer a batch of texts with JSON texts. An arm
whose package is missing, or does not work here, says why.
"""

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import outlines
import torch

from kvrm_grammar.decoding.backends.loading import torch_model
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.isa import operation_to_json
from kvrm_grammar.oracle.reference import parse
from kvrm_grammar.weights.export.precision import PRECISIONS
from training.evaluation.free_decoding import Reply, free_decoding, greedy_config

__all__ = [
    "OUTLINES_BACKENDS",
    "Arm",
    "bare_forward",
    "build_arms",
    "plain_tokenizer",
]

OUTLINES_BACKENDS = ("outlines_core", "llguidance", "xgrammar")


@dataclass(frozen=True)
class Arm:
    """One way to decode. Immutable.

    Attributes:
        name: As in the table.
        run: Texts of one batch -> replies in order.
        constrained: Whether it can only answer valid JSON.
    """

    name: str
    run: Callable[[Sequence[str]], list[Reply]]
    constrained: bool = True


def plain_tokenizer(decoder: Decoder) -> Any:
    """A copy of the tokenizer that gives Outlines the same token IDs that we use.

    Without its chat template, which Outlines would wrap around a plain string, and with
    the names of control tokens as ordinary text.
    """
    tokenizer = copy.deepcopy(decoder.loaded.tokenizer)
    tokenizer.chat_template = None
    tokenizer.padding_side = "left"
    tokenizer.split_special_tokens = True
    return tokenizer


def bare_forward(decoder: Decoder) -> Callable[[Sequence[Sequence[int]]], None]:
    """The model's layers over rows of token IDs and nothing else."""
    causal: Any = torch_model(decoder.loaded)
    body = causal.get_base_model().model if hasattr(causal, "get_base_model") else causal.model

    def run(rows: Sequence[Sequence[int]]) -> None:
        longest = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
        with torch.inference_mode():
            body(input_ids=ids.to(decoder.loaded.device), use_cache=False)

    return run


def build_arms(decoder: Decoder) -> tuple[list[Arm], dict[str, str]]:
    """Build every arm that works here.

    Returns:
        The arms, and for each that does not work the reason.
    """
    schema = decoder.constrained("schema")
    arms = [
        Arm("free", free_decoding(decoder), constrained=False),
        *(_outlines_arm(decoder, backend) for backend in OUTLINES_BACKENDS),
        Arm("stepwise, schema", _ours(Decoder.from_loaded(
            decoder.loaded, method="stepwise", constraint="schema",
            dialect=decoder.dialect.name))),
        Arm("one pass, schema", _ours(schema)),
        Arm("one pass, grounded", _ours(decoder.constrained("grounded"))),
        *(_compiled_arm(decoder, precision) for precision in PRECISIONS),
        Arm("parser alone", lambda texts: [Reply(operation_to_json(parse(t))) for t in texts]),
    ]  # fmt: skip
    ready, missing = [], {}
    for arm in arms:
        try:
            arm.run(["nop"])
            ready.append(arm)
        except Exception as error:  # a package that is not there, or cannot compile its kernel
            missing[arm.name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return ready, missing


def _compiled_arm(decoder: Decoder, precision: str) -> Arm:
    """The same adapter as a compiled graph; not on a GPU, where it would be no rival."""
    compiled: list[Decoder] = []

    def run(texts: Sequence[str]) -> list[Reply]:
        if not compiled:
            compiled.append(
                Decoder.from_pretrained(
                    decoder.loaded.adapter_path,
                    isa=decoder.isa,
                    dialect=decoder.dialect.name,
                    base=decoder.loaded.base_name,
                    backend="openvino",
                    precision=precision,
                )
            )
        return _ours(compiled[0])(texts)

    return Arm(f"one pass, grounded, openvino {precision}", run)


def _ours(decoder: Decoder) -> Callable[[Sequence[str]], list[Reply]]:
    def run(texts: Sequence[str]) -> list[Reply]:
        return [
            Reply(decoded.json or "", decoded.passes, decoded.token_ids, decoded.margin)
            for decoded in decoder.decode_many(texts, batch_size=max(2, len(texts)))
        ]

    return run


def _outlines_arm(decoder: Decoder, backend: str) -> Arm:
    generator: list[Any] = []  # built at the first call: it may fail, and takes seconds

    def run(texts: Sequence[str]) -> list[Reply]:
        if not generator:
            causal: Any = torch_model(decoder.loaded)
            model = outlines.from_transformers(causal, plain_tokenizer(decoder))
            pattern = outlines.types.Regex(decoder.schema.regex)
            generator.append(outlines.Generator(model, pattern, backend=backend))
        prompts = [decoder.dialect.read(text).prompt for text in texts]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answers = generator[0].batch(prompts, generation_config=greedy_config(decoder))
        return [Reply(answer) for answer in answers]

    return Arm(f"Outlines, {backend}", run)
