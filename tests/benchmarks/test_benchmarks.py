"""The benchmarks measure what they say, on a tiny model, and their arithmetic is right."""

import math
from collections import Counter
from random import Random
from typing import Any

import pytest

from benchmarks import calibration, comparison, constrained_vs_free, parts, python_cost, stream
from benchmarks.arms import Arm, bare_forward, build_arms, plain_tokenizer
from benchmarks.inputs import CONVERTED, NOTATIONS_OF, SETS, SETS_OF, draw_set
from benchmarks.llama import gbnf
from benchmarks.timing import Tally, counting, measure_alone
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.dialects import DIALECTS, find_dialect
from kvrm_grammar.isa import INVALID, load_set, operation_to_json
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.oracle.reference import parse
from kvrm_grammar.weights.export.precision import PRECISIONS
from training.evaluation.free_decoding import Reply
from training.scoring import is_valid

REFUSAL = operation_to_json(INVALID)


@pytest.mark.parametrize("name", SETS)
def test_sets_are_drawn_by_seed_and_judged(name: str) -> None:
    """The same seed, the same texts, all different; a strict one has the reference's answer."""
    drawn = draw_set(name, 60, 1)
    assert draw_set(name, 60, 1) == drawn
    assert draw_set(name, 60, 2) != drawn
    assert len({example.text for example in drawn}) == 60
    strictly = [example.answer == operation_to_json(parse(example.text)) for example in drawn]
    assert all(strictly) == (name in SETS_OF["strict"] or name == "lenient refusals")
    refused = sum(example.answer == REFUSAL for example in drawn)
    few, most = {"hostile": (1, 59)}.get(name, (60, 60) if "refusals" in name else (0, 0))
    assert few <= refused <= most
    assert "hexadecimal" in CONVERTED and "decimal" not in CONVERTED


def test_every_dialect_has_its_sets() -> None:
    """No set is of two dialects or of none, and each dialect has one of notations."""
    assert set(SETS_OF) == set(NOTATIONS_OF) == set(DIALECTS)
    assert sorted(name for names in SETS_OF.values() for name in names) == sorted(SETS)
    assert all(NOTATIONS_OF[dialect] in names for dialect, names in SETS_OF.items())


def test_our_arms_answer_validly_and_agree(tiny_decoder: Decoder) -> None:
    """Every constrained arm that runs here is valid; one pass and stepwise give the same IDs."""
    arms, missing = build_arms(tiny_decoder)
    names = [arm.name for arm in arms]
    assert {*names, *missing} == {
        "free", "Outlines, outlines_core", "Outlines, llguidance", "Outlines, xgrammar",
        "stepwise, schema", "one pass, schema", "one pass, grounded", "parser alone",
        *(f"one pass, grounded, openvino {precision}" for precision in PRECISIONS),
    }  # fmt: skip
    assert {"free", "stepwise, schema", "one pass, schema", "one pass, grounded"} <= set(names)
    texts = ["sub r5 r3 r1", "halt", "<|im_end|>", "mov r1, 0x10"]
    answers = {arm.name: arm.run(texts) for arm in arms}
    for arm in arms:
        assert len(answers[arm.name]) == len(texts)
        if arm.constrained:
            assert all(is_valid(reply.json) for reply in answers[arm.name])
    one, step = answers["one pass, schema"], answers["stepwise, schema"]
    compiled = answers["one pass, grounded, openvino float32"]
    assert [reply.token_ids for reply in compiled] == [
        reply.token_ids for reply in answers["one pass, grounded"]
    ]
    assert [reply.token_ids for reply in one] == [reply.token_ids for reply in step]
    assert [reply.json for reply in answers["parser alone"]] == [
        operation_to_json(parse(text)) for text in texts
    ]


@pytest.mark.parametrize("text", ["sub r5 r3 r1", "<|im_end|>x<|im_start|>", "", "caf\u00e9"])
def test_outlines_gets_the_same_prompt(text: str, tiny_decoder: Decoder) -> None:
    """The copy of the tokenizer handed to Outlines gives the token IDs that we use."""
    tokenizer = plain_tokenizer(tiny_decoder)
    ids = tokenizer(find_dialect("strict").read(text).prompt, add_special_tokens=False)["input_ids"]
    assert ids == encode_plain(
        tiny_decoder.loaded.tokenizer, find_dialect("strict").read(text).prompt
    )
    assert tiny_decoder.loaded.tokenizer is not tokenizer


def test_a_summary_counts(tiny_decoder: Decoder) -> None:
    """Validity, exact match, passes, speeds and ratios are those of the replies and times."""
    examples = draw_set("strict", 4, 3)
    right = [Reply(example.answer, 1) for example in examples]
    some = [right[0], Reply("nonsense", 9), Reply(REFUSAL, 3), right[3]]
    tallies = {
        "free": Tally(some, [2.0, 6.0]),
        "one pass, schema": Tally(right, [1.0, 1.0]),
    }
    report = comparison.summarise(tallies, examples, [0.5, 1.0])
    free, ours = report["free"], report["one pass, schema"]
    assert (free["valid"], free["exact"], ours["valid"], ours["exact"]) == (3, 2, 4, 4)
    assert (free["mean_passes"], free["maximal_passes"]) == (3.5, 9)
    assert (free["instructions_per_second"], ours["instructions_per_second"]) == (0.5, 2.0)
    assert (ours["times_faster_than_free"], ours["times_the_bare_forward_pass"]) == (4.0, 1.5)
    low, high = ours["exact_match_interval_95"]
    assert low < 1 <= high + 1e-9


def test_disagreements_are_listed() -> None:
    """An answer of stepwise decoding or of Outlines that differs from one pass is shown."""
    examples = draw_set("strict", 2, 3)
    tallies = {
        "one pass, schema": Tally([Reply("a", 1, (1,), 0.1), Reply("b", 1, (2,))]),
        "stepwise, schema": Tally([Reply("a", 1, (3,)), Reply("b", 1, (2,))]),
        "Outlines, xgrammar": Tally([Reply("a"), Reply("c")]),
        "free": Tally([Reply("x"), Reply("y")]),
    }
    found = comparison.disagreements(tallies, examples, [True, False])
    assert [(row["arm"], row["one_pass"], row["other"], row["margin"]) for row in found] == [
        ("stepwise, schema", "a", "a", 0.1),
        ("Outlines, xgrammar", "b", "c", None),
    ]
    assert [row["same_prompt_token_ids"] for row in found] == [True, False]
    assert comparison.disagreements({}, examples, [True, True]) == []


def test_alone_and_literals_run(tiny_decoder: Decoder) -> None:
    """Latencies of every arm with ratios, and the ablation's two rows."""

    def answer(texts: Any) -> list[Reply]:
        return [Reply(REFUSAL, 1) for _ in texts]

    arms = [Arm("free", answer, constrained=False), Arm("one pass, schema", answer)]
    examples = draw_set("strict", 3, 1)
    report = measure_alone(tiny_decoder, arms, examples, Random(1))
    assert set(report["arms"]) == {"free", "one pass, schema"}
    for row in report["arms"].values():
        assert 0 < row["p50_ms"] <= row["p95_ms"]
        assert row["times_the_bare_forward_pass"] > 0
    assert report["arms"]["free"]["times_faster_than_free"] == 1.0
    rows = constrained_vs_free.literals(tiny_decoder, 6, 4, 1)
    assert set(rows) == {"schema", "grounded"}
    for row in rows.values():
        assert (row["examples"], row["exact"] + len(row["misses"]), row["forced"]) == (6, 6, 0)
    bare_forward(tiny_decoder)([[1, 2, 3], [4]])


def test_the_llama_grammar_names_every_opcode() -> None:
    """One alternative per opcode and one for refusals, quoted, with the three operand rules."""
    isa = load_set()
    text = gbnf(isa, REFUSAL)
    root, *rules = text.splitlines()
    assert root.startswith("root ::= ") and root.count(" | ") == len(isa.opcodes)
    assert all(f'\\"{opcode.key}\\"' in root for opcode in isa.opcodes)
    assert [rule.split(" ::= ")[0] for rule in rules] == ["register", "immediate", "target"]


def test_reliability() -> None:
    """Every confidence is in one bin; the error is the weighted distance of bins from the truth."""
    pairs = [(0.0, False), (0.55, True), (0.55, False), (1.0, True), (0.9995, True), (1.0, True)]
    report = calibration.reliability(pairs)
    assert (report["examples"], report["errors"]) == (6, 2)
    assert sum(row["examples"] for row in report["bins"]) == 6
    middle = next(row for row in report["bins"] if row["from"] == 0.5)
    assert (middle["examples"], middle["exact_match"]) == (2, 0.5)
    last = report["bins"][-1]
    assert (last["examples"], last["exact_match"]) == (3, 1.0)
    expected = (2 * 0.05 + 3 * abs(1 - last["mean_confidence"])) / 6
    assert math.isclose(report["expected_calibration_error"], expected, rel_tol=1e-9)


def test_calibration_and_stream_run(tiny_decoder: Decoder) -> None:
    """On an untrained model: hardly anything is right, everything is counted and in order."""
    examples = draw_set("refusals", 8, 4)
    report = calibration.measure(tiny_decoder, examples, 4)
    assert report["examples"] == 8
    right = report["examples"] - report["errors"]
    assert report["agreeing_with_the_reference_parser"] == right
    made = list(stream.lines(400, 5))
    assert repr(made) == repr(list(stream.lines(400, 5)))
    kinds = Counter((line.error is not None, len(line.text) > 256) for line in made)
    assert kinds[True, False] and kinds[False, True]
    streamed = stream.measure(tiny_decoder, 40, 4, 5)
    assert streamed["in_order"] is True
    assert streamed["errors_on_the_wrong_line"] == 0
    assert streamed["progress"][-1]["lines"] == 40


def test_parts_run(
    tiny_decoder: Decoder, tiny_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Index, masks and inputs are timed, and nothing is zero that cannot be."""
    found = parts.measure_index(tiny_decoder.schema, tiny_tokenizer, 1)
    assert all(value > 0 for value in found.values())
    assert parts.measure_masks(tiny_decoder.index)["states"] > 500
    monkeypatch.setattr(parts, "SIZES", (100, 1_000))
    assert set(parts.measure_grammar(1)) == set(parts.LONG_LINES)
    inputs = parts.measure_inputs(tiny_decoder.index, tiny_tokenizer, draw_set("strict", 5, 1))
    assert inputs["inputs"] == 5
    assert 0 < inputs["grounding_ms"] <= inputs["grounding_p95_ms"]


def test_a_backend_that_agrees_gives_every_guess_in_one_pass(tiny_decoder: Decoder) -> None:
    """So what is measured with it is the work of a decode whose draft is right."""
    texts = ["sub r5 r3 r1", "jmp loop", "MOV R3, 0x7F", "add r1 r2 r3", "halt"]
    decoder, _ = counting(tiny_decoder)
    vars(decoder.pipeline)["backend"] = python_cost.Agreeing(decoder.pipeline, texts)
    for decoded in decoder.decode_many(texts):
        assert decoded.reading is not None
        assert (decoded.passes, decoded.operation) == (1, decoded.reading.guess)
