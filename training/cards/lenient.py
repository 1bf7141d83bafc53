"""The results part of a lenient adapter's model card.

In: ``evaluation.json`` of ``training.evaluate --dialect lenient``. Out: Markdown. No number is
typed by hand.
"""

from typing import Any

from kvrm_grammar.isa import load_set
from training.cards.rates import failures_text, rate_text

__all__ = ["lenient_limits", "lenient_results"]


def lenient_results(evaluation: dict[str, Any]) -> str:
    """The tables: by kind for every reader, by class, by threshold, and the failures."""
    origin, arms = evaluation["provenance"], evaluation["arms"]
    grounded = arms["grounded"]
    swaps, strict = grounded["swaps"], evaluation["strict"]
    lines = [
        "## Results",
        "",
        *_how(origin),
        "",
        f"- Strict instructions through this adapter: {rate_text(strict)}",
        f"- Silent operand swaps: {swaps['count']} of {swaps['of']} answers",
        *_more(evaluation),
        f"- Mean passes: {evaluation['mean_passes']:.2f}, over {_passes_of(evaluation)}",
        *(f"- Class {name}: {rate_text(row)}" for name, row in grounded["classes"].items()),
        "",
        f"| kind | class | texts | {' | '.join(arms)} |",
        "|---|---|---|" + "---|" * len(arms),
    ]
    for kind, row in grounded["kinds"].items():
        rates = [own["kinds"].get(kind, {}).get("rate") for own in arms.values()]
        shown = " | ".join("-" if rate is None else f"{rate:.1%}" for rate in rates)
        lines.append(f"| {kind} | {row['class']} | {row['examples']} | {shown} |")
    lines += [
        "",
        "Answers under a threshold are refused (`min_confidence`); coverage is the share of texts",
        "with a meaning that are answered:",
        "",
        "| threshold | coverage | right | wrong answers |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['threshold']} | {row['coverage']:.2%} | {row['right']:.2%} "
        f"| {row['wrong']} of {row['given']} |"
        for row in evaluation["risk_and_coverage"]
    ]
    return "\n".join([*lines, "", failures_text(evaluation["failures"])])


def _how(origin: dict[str, Any]) -> list[str]:
    """Which texts, and where they were read."""
    end = f"seed {origin['seed']}; {origin['device']}, {origin['dtype']}."
    packaged = load_set().name
    if origin.get("set", packaged) != packaged:
        return [
            f"`python -m training.evaluate --isa {origin['set']} --dialect lenient`: texts of",
            "every kind; phrases, operations of other machines and label words are held out from",
            "training,",
            end,
        ]
    return [
        "`python -m training.evaluate --dialect lenient`: texts of every kind; phrases,",
        "conditions, templates of refusals, label words, and all sentence frames but the two",
        f"plainest are held out from training, {end} Free decoding reads fewer of each kind.",
    ]


def _more(evaluation: dict[str, Any]) -> list[str]:
    """What evaluations say since the languages are closed."""
    if "families" not in evaluation:
        return []
    sure, families = evaluation["sure_and_wrong"], evaluation["families"]["grounded"]
    told = [
        f"- Wrong instructions with a confidence of at least {sure['threshold']}: "
        f"{sure['count']} of {sure['of']} texts",
    ]
    if not families["meant"]["examples"]:
        return told
    return [
        *told,
        f"- Families of notations held out as a whole: {rate_text(families['meant'])}; "
        f"their faults: {rate_text(families['faults'])}",
    ]


def lenient_limits() -> str:
    """What a user should know."""
    return """## Limits

- The labels are known by construction; what people really write is wider than any list of phrases.
- An operand is found only in the spellings that the dialect's tables name.
- The constraint guarantees a valid operation, not the right one; `min_confidence` buys certainty.
"""


def _passes_of(evaluation: dict[str, Any]) -> str:
    """Which texts the mean is of; evaluations of the first version read every seventh again."""
    count = evaluation.get("mean_passes_of")
    return "every seventh text" if count is None else f"all {count} texts"
