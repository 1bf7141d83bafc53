"""Writes the model card of an adapter folder from its records.

In: ``training.json`` of :mod:`training.train_decode` and ``evaluation.json`` of
:mod:`training.evaluate`. Out: ``README.md`` beside them. No number is typed by hand.
"""

import argparse
import sys
from pathlib import Path

from kvrm_grammar.errors import DataError, KvrmError
from training.cards.lenient import lenient_limits, lenient_results
from training.cards.rounds import rounds_text
from training.cards.strict import strict_limits, strict_results
from training.data.files import file_digest, read_record

__all__ = ["main", "model_card"]


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--adapter", type=Path, default=Path("models/decode_llm"))
    arguments = parser.parse_args(argv)
    try:
        card = model_card(arguments.adapter)
    except KvrmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    (arguments.adapter / "README.md").write_text(card, "utf-8")
    print(f"written to {arguments.adapter / 'README.md'}")
    return 0


def model_card(folder: Path) -> str:
    """Compose the card.

    Raises:
        DataError: A record is missing, or the evaluation is of other weights.
    """
    training = read_record(folder / "training.json")
    evaluation = read_record(folder / "evaluation.json")
    digest = file_digest(folder / "adapter_model.safetensors")
    if evaluation["provenance"]["adapter_sha256"] != digest:
        raise DataError(
            f"{folder}: the evaluation is of other weights; run training.evaluate again"
        )
    lenient = "arms" in evaluation
    if lenient:
        results = [lenient_results(evaluation), lenient_limits()]
    else:
        results = [strict_results(evaluation), strict_limits()]
    isa = str(read_record(folder / "kvrm.json")["set"])
    head = _head(folder.resolve().name, isa, training["base"], digest, lenient)
    return "\n".join([head, rounds_text(training), *results])


def _head(name: str, isa: str, base: str, digest: str, lenient: bool) -> str:
    plain = f"one line of {isa.upper()} assembly"
    reads = f"what people write for one instruction of {isa.upper()}" if lenient else plain
    dialect = "lenient" if lenient else "strict"
    return f"""---
base_model: {base}
library_name: peft
license: apache-2.0
pipeline_tag: text-generation
tags: [lora, structured-output, constrained-decoding, assembly]
---

# {name}: {reads} to one JSON operation

A LoRA adapter for {base}. It reads one instruction of the {dialect} dialect and
writes `{{"key":"OP_…","params":{{…}}}}`. It is meant to run under the constraint of
kvrm-grammar, which leaves it no other kind of answer; which operation it is remains the
model's choice.

- Use: `Decoder.from_pretrained(isa="{isa}", dialect="{dialect}")` of `kvrm_grammar`, or
  `kvrm-grammar decode --isa {isa} --dialect {dialect} TEXT`
- Weights: `adapter_model.safetensors`, bfloat16, SHA-256 `{digest}`
- Licence: Apache-2.0, like the base model's
"""


if __name__ == "__main__":
    sys.exit(main())
