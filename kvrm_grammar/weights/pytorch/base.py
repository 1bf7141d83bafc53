"""A base model in torch, refused where anything is missing.

In: a base model's folder. Out: its tokenizer, and the model with every tensor from its files.
Weights are safetensors only, and code from a model folder is never run. Used by
:mod:`~kvrm_grammar.weights.pytorch.loading`.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from kvrm_grammar.errors import BaseModelError
from kvrm_grammar.language.tokens import check_plain

__all__ = ["load_base", "load_tokenizer"]


def load_tokenizer(folder: Path, name: str) -> PreTrainedTokenizerBase:
    """Read a base model's tokenizer.

    Args:
        folder: The base model's folder.
        name: What to call the base in an error.

    Returns:
        The tokenizer, without changes.

    Raises:
        BaseModelError: It cannot be read, has no end token, or lets text spell a control token.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # readers of many formats, each with its own errors
        raise BaseModelError(f"the tokenizer of {name} cannot be read ({error})") from error
    if tokenizer.eos_token_id is None:
        raise BaseModelError(f"the tokenizer of {name} has no end token")
    check_plain(tokenizer)
    return tokenizer


def load_base(
    folder: Path, name: str, dtype: torch.dtype, tokenizer: PreTrainedTokenizerBase
) -> Any:
    """Read a base model's weights.

    Args:
        folder: The base model's folder.
        name: What to call the base in an error, and what a new adapter should record.
        dtype: Of the weights in memory.
        tokenizer: The one that the model must have a row for every token of.

    Returns:
        A transformers causal language model on the CPU.

    Raises:
        BaseModelError: The folder is an adapter, a tensor is missing or cannot be read, or the
            tokenizer has more tokens than the model.
    """
    # transformers would follow an adapter to its base, over the network if need be.
    if (folder / "adapter_config.json").exists():
        raise BaseModelError(f"{folder} is an adapter, not a base model")
    options: dict[str, Any] = {
        "dtype": dtype,
        "local_files_only": True,
        "trust_remote_code": False,
        "use_safetensors": True,
        "output_loading_info": True,
    }
    load: Any = AutoModelForCausalLM.from_pretrained  # typed as if it returned no report
    try:
        model, report = load(folder, **options)
    except Exception as error:  # readers of many formats, each with its own errors
        raise BaseModelError(f"base model {name} in {folder} cannot be read ({error})") from error
    # transformers fills a gap with random numbers and a warning; that is no base model.
    gaps = sorted(str(key) for key in (*report["missing_keys"], *report["mismatched_keys"]))
    if gaps:
        raise BaseModelError(f"base model {name} in {folder} lacks {len(gaps)} tensors: {gaps[0]}")
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        raise BaseModelError(f"the tokenizer of {name} has more tokens than the model")
    # The name, not this machine's folder, is what a new adapter should record.
    model.name_or_path = model.config.name_or_path = name
    return model
