"""The results part of a strict adapter's model card.

In: ``evaluation.json`` of ``training.evaluate``. Out: Markdown. No number is typed by hand.
"""

from typing import Any

from training.cards.rates import failures_text, rate_text

__all__ = ["strict_limits", "strict_results"]


def strict_results(evaluation: dict[str, Any]) -> str:
    """The rates, the spot checks, the table by category, and the failures."""
    results, origin = evaluation["results"], evaluation["provenance"]
    everything = results["exact_match_with_converted_notations"]
    unseen = results["exact_match_unseen_texts"]
    unseen_text = rate_text(unseen) if unseen else "not known, the file was not at hand"
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
        f"- The same, over texts that are not in the training file: {unseen_text}",
        f"- Exact match, everything: {rate_text(everything)}",
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
    return "\n".join([*lines, "", failures_text(results["failures"])])


def strict_limits() -> str:
    """What a user should know."""
    return """## Limits

- Strict dialect only. Text that people write more freely is refused, or misread.
- Without grounding (`constraint="schema"`) the model converts numbers that are not decimal, and
  characters, itself, which is done badly: `benchmarks/results/constrained_vs_free.json` shows it
  for the default set. With grounding it only chooses among the numbers of the text.
- The constraint guarantees a valid operation, not the right one.
"""
