"""A base model's tensors with a LoRA adapter folded in, in float32, without torch.

In: a base folder and an adapter folder. Out: each tensor by its name: ``W + scale * B A``, as
PEFT's ``merge`` computes it (https://arxiv.org/abs/2106.09685). Everything the adapter holds is
used, or the adapter is refused.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kvrm_grammar.errors import AdapterError, BaseModelError, ExportError
from kvrm_grammar.weights.adapter import Adapter
from kvrm_grammar.weights.checksums import WEIGHTS
from kvrm_grammar.weights.export.tensors import TensorFile, open_tensors

__all__ = ["FoldedWeights", "fold", "open_base"]

_PREFIX = "base_model.model."
# What a plain LoRA adapter leaves at these values; another one changes the numbers.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "bias": ("none", None),
    "fan_in_fan_out": (False, None),
    # Others, such as PiSSA, change the base's own weights when PEFT attaches them.
    "init_lora_weights": (True, False, None, "gaussian", "orthogonal", "eva"),
    "lora_bias": (False, None),
    "modules_to_save": (None, []),
    "layer_replication": (None, []),
    "target_parameters": (None, []),
    "trainable_token_indices": (None, []),
    "use_dora": (False, None),
    "use_bdlora": (None, False),
    "use_qalora": (False, None),
    "alora_invocation_tokens": (None, []),
    "arrow_config": (None,),
}

# Options that say where an adapter is, how it was trained, or what is read here.
_KNOWN = frozenset(
    "peft_type task_type auto_mapping base_model_name_or_path revision inference_mode peft_version "
    "r lora_alpha lora_dropout target_modules exclude_modules layers_to_transform layers_pattern "
    "use_rslora alpha_pattern rank_pattern megatron_core loftq_config "
    "qalora_group_size runtime_config ensure_weight_tying".split()
)


@dataclass(frozen=True)
class FoldedWeights:
    """The tensors of a base with an adapter. Immutable; callable as the graph wants it.

    Attributes:
        base: The base's tensors.
        adapter: The adapter's tensors; None for the bare base.
        pairs: By a base tensor's name the names of A and B and the factor of their product.
    """

    base: TensorFile
    adapter: TensorFile | None = None
    pairs: dict[str, tuple[str, str, float]] = field(default_factory=dict)

    def __call__(self, name: str) -> npt.NDArray[np.float32] | None:
        """A tensor in float32; None where the base has none of that name."""
        if name not in self.base:
            return None
        own = self.base.float32(name)
        if name not in self.pairs or self.adapter is None:
            return own
        first, second, scale = self.pairs[name]
        update = self.adapter.float32(second) @ self.adapter.float32(first)
        return own + np.float32(scale) * update


def open_base(folder: Path, name: str) -> TensorFile:
    """Open a base model's tensors.

    Args:
        folder: The base model's folder.
        name: What to call the base in an error.

    Raises:
        BaseModelError: They cannot be read.
    """
    try:
        return open_tensors(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaseModelError(f"base model {name} in {folder} cannot be read ({error})") from error


def fold(base: TensorFile, name: str, adapter: Adapter | None) -> FoldedWeights:
    """Put an adapter on a base's tensors, and make sure that they fit.

    Args:
        base: As from :func:`open_base`.
        name: What to call the base in an error.
        adapter: As from ``read_adapter``; None for the bare base.

    Raises:
        AdapterError: The adapter's tensors are damaged, or do not fit the base exactly.
        ExportError: The adapter is of a kind that is not folded.
    """
    if adapter is None:
        return FoldedWeights(base)
    for option, value in adapter.config.items():
        if value and option not in _KNOWN and option not in _PLAIN:
            raise ExportError(f"{adapter.folder} is not folded into a graph: {option} is not known")
    for option, plain in _PLAIN.items():
        if option in adapter.config and adapter.config[option] not in plain:
            raise ExportError(
                f"{adapter.folder} is not folded into a graph: its {option} is "
                f"{adapter.config[option]!r}"
            )
    path = adapter.folder / WEIGHTS
    try:
        tensors = TensorFile([path])
    except OSError as error:
        raise AdapterError(
            f"{path} cannot be read ({error.strerror or error}); make it readable for this user, "
            "or copy it again"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise AdapterError(f"{path} is damaged ({error}); copy it again") from error
    if tensors.left_out:
        raise AdapterError(f"{path} is damaged ({tensors.left_out[0]!r} holds no weights)")
    for tensor in tensors.names:
        if not np.isfinite(tensors.float32(tensor)).all():
            raise AdapterError(f"{path} is damaged (not a number in {tensor!r}); copy it again")
    recorded = adapter.base_name or "an unnamed base"
    misfit = f"adapter {adapter.folder}, made for {recorded}, does not fit base {name}"
    return FoldedWeights(base, tensors, _pairs(adapter, base, tensors, misfit))


def _pairs(
    adapter: Adapter, base: TensorFile, tensors: TensorFile, misfit: str
) -> dict[str, tuple[str, str, float]]:
    pairs: dict[str, tuple[str, str, float]] = {}
    for first in tensors.names:
        module, sign, kind = first.removeprefix(_PREFIX).partition(".lora_A.")
        second = f"{_PREFIX}{module}.lora_B.{kind}"
        if not sign or not first.startswith(_PREFIX):
            if ".lora_B." not in first or first.replace(".lora_B.", ".lora_A.") not in tensors:
                raise AdapterError(f"{misfit}: tensors are unexpected, such as {first!r}")
            continue
        target = f"{module}.{kind}"
        if second not in tensors:
            raise AdapterError(f"{misfit}: tensors are missing, such as {second!r}")
        if target not in base:
            raise AdapterError(f"{misfit}: tensors are unexpected, such as {first!r}")
        own, other = tensors.shape(first), tensors.shape(second)
        fits = len(own) == len(other) == 2 and own[0] == other[1]
        if not fits or (other[0], own[1]) != base.shape(target):
            raise AdapterError(
                f"{misfit}: tensor {first!r} has shape {tensors.shape(first)}, "
                f"the base needs {base.shape(target)}"
            )
        if not target.startswith("model.layers."):
            raise ExportError(f"{adapter.folder} is not folded into a graph: it changes {target}")
        pairs[target] = first, second, _scale(adapter, module, own[0])
    if not pairs:
        raise AdapterError(f"{misfit}: it holds no LoRA tensors")
    _check_targets(adapter, base, pairs, misfit)
    return pairs


def _scale(adapter: Adapter, module: str, rank: int) -> float:
    """Alpha over the rank, or over its root; patterns name modules with values of their own."""
    config = adapter.config
    for option in ("alpha_pattern", "rank_pattern"):
        if config.get(option):
            raise ExportError(f"{adapter.folder} is not folded into a graph: it has an {option}")
    if config.get("r") != rank:
        raise AdapterError(
            f"{adapter.folder} is damaged: {module} has rank {rank}, its configuration says "
            f"{config.get('r')}"
        )
    alpha = config.get("lora_alpha")
    if not isinstance(alpha, int | float) or not math.isfinite(alpha):
        raise AdapterError(f"{adapter.folder} has no number lora_alpha, but {alpha!r}")
    return alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank


def _check_targets(adapter: Adapter, base: TensorFile, pairs: dict[str, Any], misfit: str) -> None:
    """Every module that the configuration names by its last part has its tensors."""
    targets = adapter.config.get("target_modules")
    limited = adapter.config.get("layers_to_transform") is not None
    if not isinstance(targets, list) or limited or adapter.config.get("exclude_modules"):
        return
    for name in base.names:
        module, _, kind = name.rpartition(".")
        if kind == "weight" and module.rpartition(".")[2] in targets and name not in pairs:
            raise AdapterError(f"{misfit}: tensors are missing, such as those of {module!r}")
