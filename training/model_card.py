"""Writes the model card of an adapter folder from its records.

In: ``training.json`` of :mod:`training.train_decode` and ``evaluation.json`` of
:mod:`training.evaluate`. Out: ``README.md`` beside them. No number is typed by hand.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from kvrm_grammar.errors import DataError, KvrmError
from training.data import file_digest, read_record
from training.lenient_card import lenient_limits, lenient_results, rate_text

__all__ = ["mean_text", "model_card"]


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
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
        results = [_results(evaluation), _failures(evaluation), _TAIL]
    stages = [_recipe(stage) + _log(stage) + mean_text(stage) for stage in _stages(training)]
    return "\n".join([_head(training, digest, lenient), _TRAINING, *stages, *results])


def _head(training: dict[str, Any], digest: str, lenient: bool) -> str:
    name = "decode_llm_lenient" if lenient else "decode_llm"
    reads = "what people write for one instruction" if lenient else "one line of KVRM assembly"
    dialect = "lenient" if lenient else "strict"
    return f"""---
base_model: {training["base"]}
library_name: peft
license: apache-2.0
pipeline_tag: text-generation
tags: [lora, structured-output, constrained-decoding, assembly]
---

# {name}: {reads} to one JSON operation

A LoRA adapter for {training["base"]}. It reads one instruction of the {dialect} dialect and
writes `{{"key":"OP_…","params":{{…}}}}`. It is meant to run under the constraint of
kvrm-grammar, which leaves it no other kind of answer; which operation it is remains the
model's choice.

- Weights: `adapter_model.safetensors`, bfloat16, SHA-256 `{digest}`
- Licence: Apache-2.0, like the base model's
"""


def _stages(training: dict[str, Any]) -> list[dict[str, Any]]:
    previous = training.get("previous")
    return [*(_stages(previous) if previous else ()), training]


def _recipe(training: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in training["versions"].items())
    rows = {
        "started from": training["started_from"] or "the base model",
        **{name.replace("_", " "): value for name, value in training["recipe"].items()},
        "seed": training["seed"],
        "data": f"{training['data']}, SHA-256 `{training['data_sha256']}`",
        "training samples": training["training_samples"],
        "of the file, skipped": training["skipped_samples"],
        "texts near disagreements": _extra(training),
        "time": f"{training['minutes']} minutes on {training['device']}, {training['dtype']} base",
        "versions": f"Python {training['python']}, {versions}",
    }
    lines = [f"### {training['preset']}", "", "| what | value |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([*lines, "", ""])


def _extra(training: dict[str, Any]) -> str:
    if not training.get("extra"):
        return "none"
    digest = training["extra_sha256"]
    return f"{training['extra_samples']}, near {training['extra']}, SHA-256 `{digest}`"


def mean_text(training: dict[str, Any]) -> str:
    """What a stage's weights were averaged with, from the record; nothing where they were not."""
    rows = [_part_of_mean(row) for row in training.get("mean_of", ())]
    lead = "Then its weights gave way to the mean (`python -m training.average`) of:"
    return "\n".join(["", lead, "", *rows, ""]) if rows else ""


def _part_of_mean(row: dict[str, Any]) -> str:
    text = f"- {row['adapter']}, SHA-256 `{row['sha256']}`"
    if "data" not in row:
        return text
    return (
        f"{text}: its last round was `{row['preset']}` from {row['started_from']}, seed "
        f"{row['seed']}, {row['training_samples']} examples of `{row['data']}` (SHA-256 "
        f"`{row['data_sha256'][:12]}…`), {row['minutes']} minutes"
    )


def _log(training: dict[str, Any]) -> str:
    lines = [
        "| step | epoch | training loss | evaluation loss | exact match |",
        "|---|---|---|---|---|",
    ]
    for row in training["log"]:
        lines.append(
            f"| {row['step']} | {row['epoch']:.2f} | {row['training_loss']:.4f} "
            f"| {row['evaluation_loss']:.4f} | {row['exact_match']:.2%} |"
        )
    return "\n".join([*lines, ""])


def _results(evaluation: dict[str, Any]) -> str:
    results, origin = evaluation["results"], evaluation["provenance"]
    unseen, everything = "exact_match_unseen_texts", "exact_match_with_converted_notations"
    precision, recall = results["refusal_precision"], results["refusal_recall"]
    lines = [
        "## Results",
        "",
        f"`python -m training.evaluate`: {results['examples']} fresh instructions, seed "
        f"{origin['seed']}, label words held out",
        f"from training; {evaluation['constraint']} constraint, {origin['device']}, "
        f"{origin['dtype']}.",
        "",
        f"- Validity: {results['validity']:.2%}",
        f"- Exact match, all but the converted notations: {rate_text(results['exact_match'])}",
        f"- The same, over texts that are not in the training file: {rate_text(results[unseen])}",
        f"- Exact match, everything: {rate_text(results[everything])}",
        f"- `OP_INVALID`: precision {precision:.2%}, recall {recall:.2%}",
    ]
    lines += [
        f"- {name} checks: {c['passed']} of {c['total']}"
        for name, c in evaluation["checks"].items()
    ]
    lines += ["", "| category | examples | exact match | 95 % interval |", "|---|---|---|---|"]
    for name, row in results["categories"].items():
        low, high = row["interval_95"]
        share = "-" if row["rate"] is None else f"{row['rate']:.2%}"
        lines.append(f"| {name} | {row['examples']} | {share} | {low:.2%} – {high:.2%} |")
    return "\n".join([*lines, ""])


def _failures(evaluation: dict[str, Any]) -> str:
    failures = evaluation["results"]["failures"]
    lines = [f"### The failures ({len(failures)}; the first 40)", "", "```"]
    lines += [
        f"{f['text']!r}\n    expected {f['expected']}\n    answered {f['answer']}"
        for f in failures[:40]
    ]
    return "\n".join([*lines, "```", ""])


_TRAINING = """## Training

All seven projections, loss on the answer alone. The data are made by
`python -m training.generate_cpu_data`; the same seed gives the same bytes. Exact match in
the logs is teacher-forced, on a few hundred pairs of the same file that the stage is not
trained on; the results further down, on fresh instructions, are what counts.
"""

_TAIL = """## Limits

- Strict dialect only. Text that people write more freely is refused, or misread.
- Without grounding (`constraint="schema"`) the model converts hexadecimal, binary, octal and
  character literals itself, which it does badly: `benchmarks/results/constrained_vs_free.json`
  shows it. With grounding it only chooses among the numbers of the text.
- The constraint guarantees a valid operation, not the right one.
"""


if __name__ == "__main__":
    sys.exit(main())
