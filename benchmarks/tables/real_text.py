"""The second set: real text through its reference parser, and what its models read.

In: the record of ``tests.sets.rv32im.real_text``, and those of its adapters. Out: tables.
"""

from benchmarks.tables.markdown import origin, part, percent, table
from benchmarks.tables.records import Records

__all__ = ["rv32im_model", "rv32im_real"]


def rv32im_model(records: Records) -> str:
    """The shipped adapters on fresh and hard texts, and on real lines drawn by a seed."""
    strict = records.model("decode_llm_rv32im", "evaluation")
    made = strict["results"]
    lenient = records.model("decode_llm_rv32im_lenient", "evaluation")
    classes = lenient["arms"]["grounded"]["classes"]
    cautious = records.model("decode_llm_rv32im_lenient", "kvrm")["min_confidence"]
    sure = next(row for row in lenient["risk_and_coverage"] if row["threshold"] == cautious)
    real = records.result("rv32im_real")["model"]
    fuzzed, hard = records.result("fuzz_rv32im"), records.result("calibration_rv32im")
    fresh = made["exact_match_with_converted_notations"]
    rows = [
        ("fresh texts and refusals", part(fresh["exact"], fresh["examples"]), ""),
        ("a fuzz campaign", part(fuzzed["all"]["exact"], fuzzed["all"]["examples"]), ""),
        (
            "hard inputs: an instruction, and a text one step away",
            part(hard["examples"] - hard["errors"], hard["examples"]),
            "",
        ),
        ("real lines", part(real["exact"], real["texts"]), f"{real['mean_passes']:.2f}"),
        (
            "lenient: texts with a meaning",
            part(classes["M"]["exact"], classes["M"]["examples"]),
            f"{lenient['mean_passes']:.2f}",
        ),
        ("lenient: refusals", part(classes["R"]["exact"], classes["R"]["examples"]), ""),
        (
            f"lenient: answers with `min_confidence={cautious}`, "
            f"given to {percent(sure['coverage'], 1)} of texts with a meaning",
            part(sure["given"] - sure["wrong"], sure["given"]),
            "",
        ),
    ]
    note = (
        f"(Refusals: precision {made['refusal_precision']:.2%}, recall "
        f"{made['refusal_recall']:.2%}. Fresh texts: {origin(strict)}. Real lines: "
        f"{origin(real)}. Campaign: {origin(fuzzed)}. Hard inputs: calibration error "
        f"{hard['expected_calibration_error']:.4f}, {origin(hard)}. Lenient: {origin(lenient)}.)"
    )
    return table(("text", "right", "passes"), rows, note)


def rv32im_real(records: Records) -> str:
    """Distinct lines of each form: right, refused by rule, wrong."""
    report = records.result("rv32im_real")
    rows = [
        (
            name,
            f"{own['lines']:,}",
            part(own["right"], own["distinct"]),
            sum(own["refused"].values()),
            own["wrong_count"],
        )
        for name, own in report["reference"].items()
    ]
    reasons = dict[str, int]()
    for own in report["reference"].values():
        for reason, count in own["refused"].items():
            reasons[reason] = reasons.get(reason, 0) + count
    said = "; ".join(f"{count} × {reason}" for reason, count in reasons.items())
    commit = report["provenance"]["commit"]
    note = f"(Reference parser; {report['binutils']}; refused: {said}; commit `{commit}`.)"
    head = ("text", "lines", "distinct ones that are right", "refused", "wrong")
    return table(head, rows, note)
