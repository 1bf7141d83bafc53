"""Averages adapters that were trained one from another: a model soup.

In: adapter folders of one shape. Out: an adapter folder whose weights are the means of theirs,
with the training record of the last. The last rounds of a training pull at different examples;
their mean keeps what they share (Wortsman et al., 2022, arXiv:2203.05482).
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from kvrm_grammar.errors import AdapterError, KvrmError
from kvrm_grammar.weights.adapter import read_adapter
from kvrm_grammar.weights.manifest import Manifest, read_manifest, write_manifest
from kvrm_grammar.weights.pytorch.lora import write_weights
from training.data.files import file_digest, read_record

__all__ = ["average"]

_WEIGHTS = "adapter_model.safetensors"
_RECORD = "training.json"
_ORIGIN = "preset started_from recipe seed data data_sha256 training_samples minutes".split()


def average(folders: Sequence[Path], output: Path) -> None:
    """Write the mean of adapters.

    The two matrices of a LoRA pair are averaged each by itself, so the mean is only near that of
    their products, and nearer the closer the adapters are: average rounds of one training.

    Args:
        folders: Adapter folders, the oldest first; the last has the record that goes on.
        output: Folder of the mean: bfloat16 safetensors, ``adapter_config.json``, checksums, the
            manifest that all have, and the last one's ``training.json`` with a list ``mean_of``,
            which says of every adapter how its own last round was trained.

    Raises:
        AdapterError: A folder is no adapter, or its tensors are not those of the others, or it was
            trained for another set, dialect or prompt.
        DataError: A folder has no training record.
    """
    read = [read_adapter(folder) for folder in folders]
    records = [read_record(folder / _RECORD) for folder in folders]
    tensors = [load_file(folder / _WEIGHTS) for folder in folders]
    shapes = [{name: tensor.shape for name, tensor in own.items()} for own in tensors]
    for adapter, own in zip(read, shapes, strict=True):
        if own != shapes[0] or _scale(adapter.config) != _scale(read[0].config):
            raise AdapterError(f"{adapter.folder} has other tensors than {folders[0]}")
    manifest = _manifest(folders)
    zero = torch.zeros(())
    mean = {
        name: sum((own[name].float() for own in tensors), zero) / len(tensors)
        for name in tensors[0]
    }
    origins = [
        {
            "adapter": folder.name,
            "sha256": file_digest(folder / _WEIGHTS),
            **{name: own[name] for name in _ORIGIN if name in own},
        }
        for folder, own in zip(folders, records, strict=True)
    ]
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folders[-1] / "adapter_config.json", output / "adapter_config.json")
    write_weights(output, mean)
    if manifest is not None:
        write_manifest(output, manifest)
    record = records[-1] | {"mean_of": origins}
    (output / _RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def _manifest(folders: Sequence[Path]) -> Manifest | None:
    """What all of them were trained for; None where nothing says it.

    A confidence that was measured on one of them says nothing of their mean.
    """
    found = [read_manifest(folder) for folder in folders]
    plain = [replace(one, min_confidence=None) if one else None for one in found]
    for folder, one in zip(folders, plain, strict=True):
        if one != plain[0]:
            raise AdapterError(
                f"{folder} was trained for something else than {folders[0]}: {one} is not "
                f"{plain[0]}; average rounds of one training"
            )
    return plain[0]


def _scale(config: dict[str, Any]) -> tuple[Any, Any]:
    """What a LoRA product is multiplied by depends on these."""
    return config.get("r"), config.get("lora_alpha")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--adapters", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args(argv)
    if len(arguments.adapters) < 2:
        parser.error("--adapters needs two folders or more")
    try:
        average(arguments.adapters, arguments.output)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.output}: the mean of {len(arguments.adapters)} adapters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
