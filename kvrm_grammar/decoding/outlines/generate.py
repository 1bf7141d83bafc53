"""Greedy decoding under a constraint, token by token.

In: a causal language model, prompts as token IDs, a compiled constraint. Out: for each
prompt the token IDs of one complete answer. The model is run by transformers'
``generate`` with an Outlines logits processor; prompts are token IDs, so no chat
template and no special meaning of any text can come in between. Scores are float32, as
the engine's are.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessorList

from kvrm_grammar.decoding.backends.head import with_exact_head
from kvrm_grammar.decoding.outlines.logits import ConstraintLogitsProcessor
from kvrm_grammar.errors import DecodeError, LimitError
from kvrm_grammar.language.index import TokenIndex

__all__ = ["generate_constrained", "generate_rows"]

# `generate` fills what is left open here from the base model's own defaults, which are
# made for chat: sampling, and penalties that would change the greedy answer.
_GREEDY: dict[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "num_return_sequences": 1,
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "min_length": 0,
    "return_dict_in_generate": False,
    "use_cache": True,
}


def generate_constrained(
    model: Any,
    prompts: Sequence[Sequence[int]],
    token_index: TokenIndex,
    *,
    max_new_tokens: int | None = None,
) -> list[list[int]]:
    """Answer a batch of prompts, each with the constraint's greedy choice.

    Args:
        model: A transformers causal language model, or one with a PEFT adapter, in
            evaluation mode; it is not changed, and threads may share it.
        prompts: Token IDs, at least one each; lengths may differ.
        token_index: The compiled constraint; it is shared by all rows and threads.
        max_new_tokens: Limit for each answer, the end token included; at least, and by
            default, the longest answer that the constraint has, so nothing is cut off.

    Returns:
        One list of token IDs per prompt, in order, without the end token: a text of the
        constraint's language.

    Raises:
        LimitError: The longest answer is longer than the limit.
        DecodeError: The model's scores are not numbers, or the model has fewer tokens
            than the index.
        ValueError: A prompt is empty.
    """
    limit = token_index.max_tokens if max_new_tokens is None else max_new_tokens
    if limit < token_index.max_tokens:
        raise LimitError(
            f"max_new_tokens is {limit}, the longest answer has {token_index.max_tokens}"
        )
    if not prompts:
        return []
    _check_vocabulary(model, token_index)
    end = token_index.eos_token_id
    input_ids, attention_mask = _left_padded(prompts, end, model.device)
    config: Any = GenerationConfig  # its constructor has no types
    with torch.inference_mode():
        output = with_exact_head(model).generate(
            input_ids=input_ids,
            attention_mask=attention_mask,
            generation_config=config(
                max_new_tokens=limit, eos_token_id=end, pad_token_id=end, **_GREEDY
            ),
            logits_processor=LogitsProcessorList([ConstraintLogitsProcessor(token_index)]),
        )  # (batch, prompt + answer)
    answers = output[:, input_ids.shape[1] :].tolist()
    return [_complete(row, answer, token_index) for row, answer in enumerate(answers)]


def generate_rows(
    model: Any, prompts: Sequence[Sequence[int]], token_index: TokenIndex
) -> list[list[int] | DecodeError]:
    """Answer a batch as :func:`generate_constrained` does, and lose no more than a bad row.

    Args:
        model: See :func:`generate_constrained`.
        prompts: Token IDs, at least one each; there may be none.
        token_index: The compiled constraint.

    Returns:
        In order, an answer's token IDs, or the error of a row that broke the run.
    """
    if not prompts:
        return []
    try:
        return [*generate_constrained(model, prompts, token_index)]
    except DecodeError as error:
        if len(prompts) == 1:
            return [error]
        # One row broke the run: each alone, so that only that row is lost.
        return [row for prompt in prompts for row in generate_rows(model, [prompt], token_index)]


def _left_padded(
    prompts: Sequence[Sequence[int]], pad_token_id: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts and their attention mask, both int64 of shape (batch, longest prompt)."""
    longest = max(map(len, prompts))
    input_ids = torch.full((len(prompts), longest), pad_token_id)
    attention_mask = torch.zeros_like(input_ids)
    for row, prompt in enumerate(prompts):
        if not prompt:
            raise ValueError(f"prompt {row} is empty")
        input_ids[row, -len(prompt) :] = torch.tensor(prompt)
        attention_mask[row, -len(prompt) :] = 1
    return input_ids.to(device), attention_mask.to(device)


def _check_vocabulary(model: Any, token_index: TokenIndex) -> None:
    rows = model.get_input_embeddings().num_embeddings
    if rows < token_index.vocab_size:
        raise DecodeError(
            f"the model has {rows} tokens, its tokenizer {token_index.vocab_size}; "
            "they do not belong together"
        )


def _complete(row: int, answer: list[int], token_index: TokenIndex) -> list[int]:
    """Cut the end token and what follows; an answer must be a whole text."""
    if token_index.eos_token_id in answer:
        answer = answer[: answer.index(token_index.eos_token_id)]
    state = token_index.walk(answer)
    if state is None or not token_index.is_accepting(state):
        raise DecodeError(f"row {row}: the answer was cut off after {len(answer)} tokens")
    return answer
