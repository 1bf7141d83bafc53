"""Decoding without any constraint: the model says what it likes.

In: a decoder, for its model, tokenizer and dialect. Out: a function from a batch of texts to
:class:`Reply`. Evaluation and benchmarks compare the constraint with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig

from kvrm_grammar.decoding.backends.loading import torch_model
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.language.tokens import encode_plain

__all__ = ["Reply", "free_decoding", "greedy_config", "in_torch"]


@dataclass(frozen=True)
class Reply:
    """What was answered to one text. Immutable.

    Attributes:
        json: The answer as written, valid or not.
        passes: Forward passes it took; None where there is no model or it does not tell.
        token_ids: The answer's token IDs, where the reader tells.
        margin: Smallest difference of the two best allowed scores, where the reader tells.
    """

    json: str
    passes: int | None = None
    token_ids: tuple[int, ...] | None = None
    margin: float | None = None


def in_torch(decoder: Decoder) -> Decoder:
    """The same adapter in torch, which alone can generate freely; itself where it is there."""
    if hasattr(decoder.loaded, "model"):
        return decoder
    return Decoder.from_pretrained(
        decoder.loaded.adapter_path,
        isa=decoder.isa,
        dialect=decoder.dialect.name,
        base=decoder.loaded.base_name,
        backend="torch",
        constraint=decoder.constraint,
    )


def greedy_config(decoder: Decoder) -> GenerationConfig:
    """Greedy decoding without penalties, as long as the longest answer."""
    tokenizer = decoder.loaded.tokenizer
    make: Any = GenerationConfig  # untyped in transformers
    config: GenerationConfig = make(
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,
        max_new_tokens=decoder.index.max_tokens,
        eos_token_id=decoder.index.eos_token_id,
        pad_token_id=tokenizer.pad_token_id or decoder.index.eos_token_id,
        use_cache=True,
    )
    return config


def free_decoding(decoder: Decoder) -> Callable[[Sequence[str]], list[Reply]]:
    """Greedy decoding without any constraint, in batches: the model says what it likes."""
    decoder = in_torch(decoder)
    loaded: Any = decoder.loaded
    tokenizer, model = loaded.tokenizer, torch_model(loaded)
    config = greedy_config(decoder)
    end = decoder.index.eos_token_id

    def run(texts: Sequence[str]) -> list[Reply]:
        prompts = [encode_plain(tokenizer, decoder.dialect.read(text).prompt) for text in texts]
        longest = max(map(len, prompts))
        ids = torch.tensor([[end] * (longest - len(p)) + p for p in prompts])
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
        device = decoder.loaded.device
        rows = model.generate(
            input_ids=ids.to(device), attention_mask=mask.to(device), generation_config=config
        )[:, longest:].tolist()
        replies = []
        for row in rows:
            answer = row[: row.index(end)] if end in row else row
            text = tokenizer.decode(answer, clean_up_tokenization_spaces=False)
            replies.append(Reply(text, min(len(answer) + 1, len(row)), tuple(answer)))
        return replies

    return run
