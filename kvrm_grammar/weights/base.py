"""The base model: found by name or folder, read, and refused where anything is missing.

In: the packaged base's name, a local folder, or a model-hub name (local hub cache first). Out:
its folder, its tokenizer, and the model with every tensor from its files. Weights are
safetensors only, and code from a model folder is never run. Used by
:mod:`~kvrm_grammar.weights.loading`.
"""

import json
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from kvrm_grammar.errors import BaseModelError
from kvrm_grammar.language.tokens import check_plain
from kvrm_grammar.weights.packaged_base import (
    PACKAGED_BASE_NAME,
    ensure_packaged_base,
    read_manifest,
)
from kvrm_grammar.weights.quiet import quiet_transformers

__all__ = ["load_base", "load_tokenizer", "resolve_base"]

_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


def resolve_base(base: str | Path, *, progress: bool) -> tuple[Path, str]:
    """Find a base model's folder.

    Args:
        base: The packaged base's name, a folder, or a hub name.
        progress: Show a bar on standard error while the packaged base is being built.

    Returns:
        The folder, and what identifies its content: ``sha256:`` of the packaged base's weights,
        ``commit:`` of a hub snapshot, or ``folder:`` and a path.

    Raises:
        BaseModelError: It is neither there nor to be had.
    """
    # By name first: a folder of that name below the current one must not replace it.
    if str(base) == PACKAGED_BASE_NAME:
        folder = ensure_packaged_base(progress=progress, verify="once")
        digest = read_manifest(folder)["files"]["model.safetensors"]["sha256"]
        return folder, f"sha256:{digest}"
    folder = Path(base).expanduser()
    if folder.is_dir():
        return folder, f"folder:{folder.resolve()}"
    if isinstance(base, Path) or base.startswith((".", "/", "~")) or base.count("/") > 1:
        raise BaseModelError(f"no base model folder {base}")
    folder = _hub_folder(base)
    return folder, f"commit:{folder.name}"


def _hub_folder(name: str) -> Path:
    with quiet_transformers():
        try:
            local = Path(snapshot_download(name, local_files_only=True, allow_patterns=_HUB_FILES))
            if _is_complete(local):
                return local
        except Exception:  # not in the cache, whatever type this version raises
            pass
        try:
            return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
        except Exception as error:  # HTTP, DNS, offline mode, no such name, full disk
            reason = str(error).strip().splitlines()
            raise BaseModelError(
                f"base model {name!r} is neither a local folder nor in the hub's local cache, "
                f"and the hub did not give it ({reason[0] if reason else type(error).__name__}); "
                f"name a folder, or use the packaged base {PACKAGED_BASE_NAME}"
            ) from error


def _is_complete(folder: Path) -> bool:
    index = folder / "model.safetensors.index.json"
    if not (folder / "config.json").exists():
        return False
    if not index.exists():
        return (folder / "model.safetensors").exists()
    shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return all((folder / shard).exists() for shard in shards)


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
