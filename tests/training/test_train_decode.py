"""Data generation and training: reproducible, honest about loss, and resumable to the bit."""

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch.nn import functional

from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import DataError
from kvrm_grammar.isa import INVALID, load_set, operation_to_json
from kvrm_grammar.language.tokens import added_token_ids, encode_plain
from kvrm_grammar.oracle.reference import parse
from kvrm_grammar.weights.loading import load_model
from training import generate_cpu_data, train_decode
from training.batches import IGNORED, Collator, Feature, encode_example, encode_examples
from training.data import Example, file_digest, generate_examples, read_examples, write_examples
from training.recipes import PRESETS, TARGET_MODULES, Recipe
from training.texts.strict.pairs import BOTH_VALID
from training.texts.strict.words import HELD_OUT_WORDS
from training.trainer import CompletionTrainer, LogTable, completion_logits, exact_match

HALT = '{"key":"OP_HALT","params":{}}'
ROOT = Path(__file__).resolve().parents[2]

# --- data --------------------------------------------------------------------------------


def test_every_example_is_what_the_reference_says() -> None:
    """Text and answer agree, whatever the kind; all sixteen keys occur, refusals plenty."""
    examples = list(generate_examples(1500, seed=9))
    assert len(examples) == 1500
    for example in examples:
        assert example.answer == operation_to_json(parse(example.text))
    keys = Counter(json.loads(example.answer)["key"] for example in examples)
    assert set(keys) == {opcode.key for opcode in load_set().opcodes} | {INVALID.key}
    assert 0.25 < keys[INVALID.key] / 1500 < 0.45


@pytest.mark.parametrize(
    ("share", "low", "high"), [(0.0, 0.0, 0.0), (0.5, 0.3, 0.6), (1.0, 0.8, 1.0)]
)
def test_the_share_of_refusals(share: float, low: float, high: float) -> None:
    """The share asked for is the share of candidates; a few of them turn out valid."""
    examples = list(generate_examples(300, seed=1, refusals=share))
    refused = sum(parse(example.text) == INVALID for example in examples) / len(examples)
    assert low <= refused <= high
    kinds = {kind for example in examples for kind in example.kinds}
    assert ("refusal" in kinds) == (share > 0)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_share_of_pairs(share: float) -> None:
    """The share asked for, both members of a pair side by side, and both judged by the oracle."""
    examples = list(generate_examples(1000, seed=3, pairs=share))
    marked = [example for example in examples if "pair" in example.kinds]
    assert abs(len(marked) / len(examples) - share) < 0.05
    assert all(example.answer == operation_to_json(parse(example.text)) for example in marked)
    # Of some kinds of pairs both members are valid; of the others, one.
    others = [example for example in marked if not BOTH_VALID & set(example.kinds)]
    refused = sum("refusal" in example.kinds for example in others)
    assert refused == sum("refusal" in example.kinds for example in marked)
    assert 0.4 * len(others) <= refused <= 0.6 * len(others)


def test_a_seed_and_its_words_decide_everything() -> None:
    """The same arguments give the same examples, in the same order; a shorter run is a start."""
    long = list(generate_examples(120, seed=4))
    assert list(generate_examples(120, seed=4)) == long
    assert list(generate_examples(50, seed=4)) == long[:50]
    assert list(generate_examples(50, seed=5)) != long[:50]
    assert list(generate_examples(50, seed=4, words=HELD_OUT_WORDS)) != long[:50]


def test_the_command_writes_the_same_bytes_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Same count and seed, same file; the digest printed is the file's; kinds go to stderr."""
    files = [tmp_path / "new" / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.jsonl"]
    for file, seed in zip(files, ("1", "1", "2"), strict=True):
        arguments = ["--output", str(file), "--count", "80", "--seed", seed]
        assert generate_cpu_data.main(arguments) == 0
        printed = capsys.readouterr()
        assert printed.out == (f"{file}: 80 examples, seed {seed}, sha256 {file_digest(file)}\n")
        assert "refusal" in printed.err
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].read_bytes() != files[2].read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--count", "0"], ["--count", "-1"], ["--refusals", "1.5"], ["--refusals", "-0.1"]),
        *(["--pairs", "-0.1"], ["--pairs", "1.01"], ["--pairs", "nan"], ["--no"]),
    ],
    ids=str,
)
def test_the_command_checks_its_arguments(arguments: list[str], tmp_path: Path) -> None:
    """Numbers out of range are usage errors, and nothing is written."""
    file = tmp_path / "data.jsonl"
    with pytest.raises(SystemExit) as caught:
        generate_cpu_data.main(["--output", str(file), *arguments])
    assert caught.value.code == 2
    assert not file.exists()


def test_the_defaults_are_those_of_the_report() -> None:
    """Fifty thousand pairs in data/cpu_decode_train.jsonl."""
    assert generate_cpu_data.DEFAULT_COUNT == 50_000
    assert Path("data/cpu_decode_train.jsonl") == generate_cpu_data.DEFAULT_OUTPUT
    assert train_decode.build_parser().parse_args([]).data == generate_cpu_data.DEFAULT_OUTPUT


@pytest.mark.slow
def test_the_shipped_adapters_data_can_be_made_again(tmp_path: Path) -> None:
    """The defaults still give the very bytes that the shipped adapter was trained on."""
    record = ROOT / "models" / "decode_llm" / "training.json"
    file = tmp_path / "data.jsonl"
    assert generate_cpu_data.main(["--output", str(file)]) == 0
    assert file_digest(file) == json.loads(record.read_text("utf-8"))["data_sha256"]


def test_the_format_is_chat_messages_as_json_lines(tmp_path: Path) -> None:
    """One ASCII line per example: a user message with the text, an assistant's with the JSON."""
    examples = [*generate_examples(60, seed=2), Example("caf\u00e9 \u2028\n", HALT, ("made",))]
    file = tmp_path / "data.jsonl"
    assert write_examples(file, examples) == file_digest(file)
    lines = file.read_bytes().decode("ascii").split("\n")
    assert lines.pop() == ""
    for line, example in zip(lines, examples, strict=True):
        assert json.loads(line) == {
            "messages": [
                {"role": "user", "content": example.text},
                {"role": "assistant", "content": example.answer},
            ],
            "kinds": list(example.kinds),
        }
    assert read_examples(file) == examples


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"messages": [{"content": "halt"}, {"content": HALT}]},
            Example("halt", HALT, ()),
        ),
        (
            {"messages": [{"role": "system", "content": "x"}, {"content": "?"}, {"content": HALT}]},
            Example("?", HALT, ()),
        ),
        (
            {"messages": [{"content": "a\u2028b"}, {"content": HALT}], "kinds": ["k"]},
            Example("a\u2028b", HALT, ("k",)),
        ),
    ],
)
def test_files_of_others_can_be_read(row: object, expected: Example, tmp_path: Path) -> None:
    """Kinds and a system message are optional; Unicode need not be escaped."""
    file = tmp_path / "data.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_examples(file) == [expected]


def _pair(user: object, assistant: object) -> bytes:
    return json.dumps({"messages": [{"content": user}, {"content": assistant}]}).encode()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "Expecting property name"),
        (b"", "Expecting value"),
        (b"[]", "list indices"),
        (b"5", "not subscriptable"),
        (b"{}", "no 'messages'"),
        (b'{"messages": []}', "not enough values"),
        (b'{"messages": [{"content": "halt"}]}', "not enough values"),
        (b'{"messages": [{}, {}]}', "no 'content'"),
        (b'{"messages": ["a", "b"]}', "string indices"),
        (b"\xff\xfe\xfd", "codec can't decode"),
        (_pair(5, HALT), "an instruction is text, got 5"),
        (_pair(None, HALT), "an instruction is text, got None"),
        (_pair("halt", None), "must be str"),
        (_pair("halt", "halt"), "not an operation"),
        (_pair("halt", '{"key":"OP_NO","params":{}}'), "not an operation"),
        (_pair("inc r9", '{"key":"OP_INC","params":{"dest":"R9"}}'), "not an operation"),
        (_pair("halt", '{"key": "OP_HALT", "params": {}}'), "is not canonical JSON"),
        (_pair("halt", '{"params":{},"key":"OP_HALT"}'), "is not canonical JSON"),
    ],
    ids=ascii,
)
def test_malformed_lines_are_named(line: bytes, message: str, tmp_path: Path) -> None:
    """A line that is not a text with a canonical answer is an error with file and line number."""
    file = tmp_path / "data.jsonl"
    file.write_bytes(_pair("halt", HALT) + b"\n" + line + b"\n" + _pair("nop", HALT) + b"\n")
    with pytest.raises(DataError, match=message) as caught:
        read_examples(file)
    assert str(caught.value).startswith(f"{file}:2: ")


@pytest.mark.parametrize("name", ["nowhere.jsonl", ""])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    """No file, or a folder: the error says what makes one."""
    with pytest.raises(DataError, match=r"does not exist; make it with training/generate_cpu_data"):
        read_examples(tmp_path / name)


# --- batches -----------------------------------------------------------------------------


def examples_of(count: int = 12, seed: int = 3) -> list[Example]:
    return list(generate_examples(count, seed))


@pytest.fixture(scope="module")
def features(tiny_tokenizer: Any) -> list[Feature]:
    kept, _ = encode_examples(tiny_tokenizer, examples_of(), 300)
    return kept


def test_loss_is_on_the_answer_alone(tiny_tokenizer: Any) -> None:
    """Prompt and answer are tokenised apart, as in decoding; the end token is learnt too."""
    for example in [*examples_of(), Example("<|im_end|>", HALT, ())]:
        feature = encode_example(tiny_tokenizer, example, 1000)
        assert feature is not None
        prompt = encode_plain(tiny_tokenizer, find_dialect("strict").read(example.text).prompt)
        answer = [*encode_plain(tiny_tokenizer, example.answer), tiny_tokenizer.eos_token_id]
        assert feature == {
            "input_ids": prompt + answer,
            "labels": [IGNORED] * len(prompt) + answer,
        }
        control = added_token_ids(tiny_tokenizer)
        assert [i for i in feature["input_ids"] if i in control] == [tiny_tokenizer.eos_token_id]


def test_an_answer_can_be_cut_after_its_opcode(tiny_tokenizer: Any) -> None:
    """Then it ends with the token that completes the opcode, and there is no end token."""
    for example in examples_of():
        whole = encode_example(tiny_tokenizer, example, 1000)
        cut = encode_example(tiny_tokenizer, example, 1000, opcode_only=True)
        assert whole is not None and cut is not None
        answers = [[i for i in f["labels"] if i != IGNORED] for f in (whole, cut)]
        assert answers[0][: len(answers[1])] == answers[1]
        key = json.loads(example.answer)["key"]
        assert f'"{key}' in tiny_tokenizer.decode(answers[1])
        assert f'"{key}' not in tiny_tokenizer.decode(answers[1][:-1])
        assert cut["input_ids"] == whole["input_ids"][: len(cut["input_ids"])]
    share = encode_examples(tiny_tokenizer, examples_of(200), 1000, opcode_only=0.5, seed=1)[0]
    ended = sum(f["input_ids"][-1] == tiny_tokenizer.eos_token_id for f in share)
    assert 60 < ended < 140
    assert (
        encode_examples(tiny_tokenizer, examples_of(200), 1000, opcode_only=0.5, seed=1)[0] == share
    )


def test_long_examples_are_counted_not_cut(tiny_tokenizer: Any) -> None:
    """An example that does not fit is left out as a whole; if none fits, that is an error."""
    examples = [Example("halt", HALT, ()), Example("x" * 200, HALT, ())]
    whole = encode_example(tiny_tokenizer, examples[0], 1000)
    assert whole is not None
    length = len(whole["input_ids"])
    assert encode_example(tiny_tokenizer, examples[0], length) == whole
    assert encode_example(tiny_tokenizer, examples[0], length - 1) is None
    assert encode_examples(tiny_tokenizer, examples, length) == ([whole], 1)
    with pytest.raises(DataError, match="none of 2 examples fits into 5 token IDs"):
        encode_examples(tiny_tokenizer, examples, 5)
    with pytest.raises(DataError, match="none of 0"):
        encode_examples(tiny_tokenizer, [], 5)


@pytest.mark.parametrize("count", [1, 2, 5, 12])
@pytest.mark.parametrize("per_row", [1, 4, 100])
def test_packing_keeps_every_example(count: int, per_row: int, features: list[Feature]) -> None:
    """All tensors are int64 (rows, seq); reading the rows back gives the features, each once."""
    batch = Collator(pad_token_id=2, per_row=per_row)(features[:count])  # type: ignore[arg-type]
    assert set(batch) == {"input_ids", "position_ids", "labels", "examples"}
    shapes = {tensor.shape for tensor in batch.values()}
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}
    ((rows, width),) = shapes
    assert rows == math.ceil(count / per_row)
    found: dict[int, Feature] = {}
    for row in range(rows):
        starts = [i for i in range(width) if batch["position_ids"][row, i] == 0] + [width]
        for start, end in pairwise(starts):
            ids = batch["input_ids"][row, start:end].tolist()
            labels = batch["labels"][row, start:end].tolist()
            assert batch["position_ids"][row, start:end].tolist() == list(range(end - start))
            owner = set(batch["examples"][row, start:end].tolist())
            assert len(owner) == 1
            if set(labels) == {IGNORED}:
                assert set(ids) == {2}  # the padding at a row's end
                assert end == width
            else:
                found[owner.pop()] = {"input_ids": ids, "labels": labels}
    assert [found[i] for i in range(count)] == features[:count]
    lengths = [len(feature["input_ids"]) for feature in features[:count]]
    assert width >= max(max(lengths), sum(lengths) / rows)


def test_examples_in_a_row_do_not_see_each_other(tiny_base: Path, features: list[Feature]) -> None:
    """Packed or alone, an example gets the same logits and the same loss."""
    model = load_model(None, base=tiny_base, dtype=torch.float32).model
    with torch.no_grad():
        logits, targets, owners = completion_logits(
            model,
            Collator(2, per_row=5)(features),  # type: ignore[arg-type]
        )
        for number, feature in enumerate(features):
            ids = torch.tensor([feature["input_ids"]])
            answer = [label for label in feature["labels"] if label != IGNORED]
            alone = model(input_ids=ids).logits[0, -len(answer) - 1 : -1]
            mine = owners == number
            assert targets[mine].tolist() == answer
            torch.testing.assert_close(logits[mine], alone, rtol=1e-4, atol=1e-5)


def test_exact_match_is_per_example(
    tiny_base: Path, features: list[Feature], tmp_path: Path
) -> None:
    """The loss is the mean over answer tokens; an example counts if all of its tokens are right."""
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    trainer = CompletionTrainer(
        model=loaded.model,
        args=train_decode._training_arguments(Recipe(), tmp_path, 1),
        train_dataset=features,  # type: ignore[arg-type]
        eval_dataset=features,  # type: ignore[arg-type]
        data_collator=Collator(2),
        compute_metrics=exact_match,
    )
    batch = Collator(2)(features)  # type: ignore[arg-type]
    with torch.no_grad():
        logits, _, owners = completion_logits(loaded.model, batch)
    # The model's own choices as labels for the even examples: those are then right throughout.
    choices = logits.argmax(-1)
    rows, columns = (batch["labels"] != IGNORED).nonzero(as_tuple=True)
    even = owners % 2 == 0
    batch["labels"][rows[even], columns[even]] = choices[even]
    batch["labels"][rows[~even], columns[~even]] = (choices[~even] + 1) % logits.shape[1]
    loss, flags, _ = trainer.prediction_step(loaded.model, batch, prediction_loss_only=False)
    assert flags is not None
    assert flags.tolist() == [float(i % 2 == 0) for i in range(len(features))]
    labels = torch.where(even, choices, (choices + 1) % logits.shape[1])
    torch.testing.assert_close(loss, functional.cross_entropy(logits, labels))
    half = exact_match(SimpleNamespace(predictions=flags.numpy()))  # type: ignore[arg-type]
    assert half == {"exact_match": pytest.approx(math.ceil(len(features) / 2) / len(features))}


# --- training ----------------------------------------------------------------------------


def train(output: Path, *options: str, base: Path, data: Path) -> int:
    """Four steps, evaluation and a checkpoint at every second."""
    fixed = {
        "--output": output,
        "--checkpoints": output.parent / f"{output.name}-checkpoints",
        "--base": base,
        "--data": data,
        "--epochs": 1,
        "--batch-size": 16,
        "--evaluation-steps": 2,
        "--threads": 1,
    }
    return train_decode.main([*(str(x) for pair in fixed.items() for x in pair), *options])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty-four short examples: six for evaluation, the rest for training."""
    short = [e for e in generate_examples(200, seed=7) if len(e.text) < 20 and len(e.answer) < 60]
    file = tmp_path_factory.mktemp("data") / "train.jsonl"
    write_examples(file, short[:64])
    assert len(read_examples(file)) == 64
    return file


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, data: Path) -> Path:
    """An adapter from one uninterrupted run."""
    output = tmp_path_factory.mktemp("run") / "adapter"
    threads = torch.get_num_threads()
    try:
        assert train(output, base=tiny_base, data=data) == 0
    finally:
        torch.set_num_threads(threads)
    return output


def test_the_adapter_loads_and_differs_from_the_base(trained: Path, tiny_base: Path) -> None:
    """What training writes is a whole adapter of its base, and it changes the model."""
    loaded = load_model(trained, dtype=torch.float32)
    plain = load_model(None, base=tiny_base, dtype=torch.float32)
    assert loaded.base_name == str(tiny_base)
    ids = torch.tensor([encode_plain(loaded.tokenizer, find_dialect("strict").read("halt").prompt)])
    with torch.no_grad():
        assert not torch.equal(loaded.model(ids).logits, plain.model(ids).logits)


def test_the_adapter_is_bfloat16_safetensors(trained: Path) -> None:
    """Seven target modules in each layer, two matrices each, in half precision, all finite."""
    tensors = load_file(trained / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.bfloat16}
    assert len(tensors) == 2 * 7 * 2
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    assert any(tensor.any() for name, tensor in tensors.items() if "lora_B" in name)
    digests = (trained / "SHA256SUMS").read_text("utf-8")
    assert file_digest(trained / "adapter_model.safetensors") in digests
    with safe_open(trained / "adapter_model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
    config = json.loads((trained / "adapter_config.json").read_text("utf-8"))
    assert (config["r"], config["lora_alpha"]) == (16, 32)
    assert config["target_modules"] == sorted(TARGET_MODULES)


def test_the_record_says_how_it_was_made(trained: Path, data: Path, tiny_base: Path) -> None:
    """Recipe, seed, base, digest of the data, versions, and the table of losses."""
    record = json.loads((trained / "training.json").read_text("utf-8"))
    assert record["preset"] == "report"
    assert (record["extra"], record["extra_samples"], record["extra_sha256"]) == (None, 0, None)
    assert (record["seed"], record["base"]) == (1, str(tiny_base))
    assert record["data_sha256"] == file_digest(data)
    assert record["recipe"]["batch_size"] == 16
    assert 40 <= record["training_samples"] <= 58
    assert [row["step"] for row in record["log"]] == [2, 4]
    assert all(row["evaluation_loss"] > 0 for row in record["log"])
    assert all(0 <= row["exact_match"] <= 1 for row in record["log"])
    log = trained.parent / "adapter-checkpoints" / "log.json"
    assert json.loads(log.read_text("utf-8"), parse_constant=pytest.fail) == record["log"]


def test_disagreements_are_trained_on(
    tmp_path: Path, tiny_base: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--extra``: texts near them join the training, and the record says which and how many."""
    extra = tmp_path / "corpus.jsonl"
    extra.write_text('{"text":"inc r8"}\n', "utf-8")
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    parser = train_decode.build_parser()
    recipe = Recipe(max_length=1000)
    plain = train_decode._split(loaded, parser.parse_args(["--data", str(data)]), recipe, tmp_path)
    options = ["--data", str(data), "--extra", str(extra), "--extra-samples", "20"]
    more = train_decode._split(loaded, parser.parse_args(options), recipe, tmp_path)
    assert len(more[0]) == len(plain[0]) + 20
    assert more[0][: len(plain[0])] == plain[0]
    assert more[1] == plain[1]
    threads = torch.get_num_threads()
    try:
        assert train(tmp_path / "adapter", *options[2:], base=tiny_base, data=data) == 0
    finally:
        torch.set_num_threads(threads)
    record = json.loads((tmp_path / "adapter" / "training.json").read_text("utf-8"))
    assert record["extra"] == "corpus.jsonl"
    assert (record["extra_samples"], record["extra_sha256"]) == (20, file_digest(extra))
    missing = str(tmp_path / "missing.jsonl")
    assert train(tmp_path / "none", "--extra", missing, base=tiny_base, data=data) == 1
    assert "missing.jsonl: No such file" in capsys.readouterr().err


def test_mined_examples_join_the_training(
    tmp_path: Path, tiny_base: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come from behind those that are trained on anyway, and each comes several times."""
    asked: list[list[Example]] = []

    def mine(adapter: Path, candidates: list[Example], **_: Any) -> list[Example]:
        asked.append(candidates)
        return candidates[:2]

    monkeypatch.setattr(train_decode, "mine", mine)
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    arguments = train_decode.build_parser().parse_args(
        ["--data", str(data), "--start-from", str(tmp_path)]
    )
    recipe = Recipe(max_length=1000, max_samples=30, mined=12, mined_repeats=3)
    plain, held, _ = train_decode._split(loaded, arguments, replace(recipe, mined=0), tmp_path)
    training, _, _ = train_decode._split(loaded, arguments, recipe, tmp_path)
    assert training[:30] == plain
    assert len(training) == 30 + 3 * 2
    assert training[30:32] == training[32:34] == training[34:]
    (candidates,) = asked
    assert len(candidates) == 12
    held_out = {tuple(feature["input_ids"]) for feature in held}
    assert not held_out & {tuple(feature["input_ids"]) for feature in training[30:]}


class PowerCutError(Exception):
    """The power went off."""


def test_a_resumed_run_gives_the_same_adapter(
    trained: Path,
    tiny_base: Path,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Interrupted after a checkpoint and resumed: bit for bit the uninterrupted run's adapter."""
    output = tmp_path / "adapter"
    usual: Callable[..., None] = LogTable.on_evaluate

    def interrupt(self: LogTable, args: Any, state: Any, control: Any, **others: Any) -> None:
        if state.global_step == 4:
            raise PowerCutError
        usual(self, args, state, control, **others)

    with monkeypatch.context() as patch:
        patch.setattr(LogTable, "on_evaluate", interrupt)
        with pytest.raises(PowerCutError):
            train(output, base=tiny_base, data=data)
    checkpoints = tmp_path / "adapter-checkpoints"
    assert [path.name for path in checkpoints.glob("checkpoint-*")] == ["checkpoint-2"]
    assert not output.exists()
    assert train(output, "--resume", base=tiny_base, data=data) == 0
    assert "starting anew" not in capsys.readouterr().err
    weights = "adapter_model.safetensors"
    assert (output / weights).read_bytes() == (trained / weights).read_bytes()
    records = [json.loads((f / "training.json").read_text("utf-8")) for f in (output, trained)]
    assert [record["resumed"] for record in records] == [True, False]
    assert records[0]["log"] == records[1]["log"]


def test_training_can_go_on_from_an_adapter(
    trained: Path, tiny_base: Path, data: Path, tmp_path: Path
) -> None:
    """It starts with the adapter's weights, trains those alone, and records where it began."""
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    model = train_decode._with_lora(loaded, Recipe(), trained)
    file = load_file(trained / "adapter_model.safetensors")
    found = {
        name.replace(".default", ""): parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    assert found.keys() == file.keys()
    for name, tensor in file.items():
        assert torch.equal(found[name], tensor.float()), name
    output = tmp_path / "adapter"
    assert train(output, "--start-from", str(trained), base=tiny_base, data=data) == 0
    assert load_model(output).base_name == str(tiny_base)
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert (record["started_from"], record["skipped_samples"]) == (trained.name, 0)
    assert record["previous"] == json.loads((trained / "training.json").read_text("utf-8"))


def test_an_unusable_start_is_told(
    tmp_path: Path, tiny_base: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An adapter to go on from that is not there is an error, before anything is written."""
    options = ["--start-from", str(tmp_path / "nowhere")]
    assert train(tmp_path / "adapter", *options, base=tiny_base, data=data) == 1
    assert "error: no adapter folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def short_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stage of the preset "cpu" stops after two steps."""
    monkeypatch.setitem(PRESETS, "cpu-start", replace(PRESETS["cpu-start"], stop_step=2))


@pytest.mark.usefixtures("short_stages")
def test_the_cpu_preset_trains_in_two_stages(tiny_base: Path, data: Path, tmp_path: Path) -> None:
    """Start, stop, refine from there with the remaining samples; both stages are recorded."""
    output = tmp_path / "adapter"
    assert train(output, "--preset", "cpu", base=tiny_base, data=data) == 0
    assert load_model(output).base_name == str(tiny_base)
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert (record["preset"], record["previous"]["preset"]) == ("cpu-refine", "cpu-start")
    assert (record["started_from"], record["skipped_samples"]) == ("checkpoint-2", 32)
    assert record["previous"]["log"][-1]["step"] == 2
    assert record["training_samples"] + 32 <= record["previous"]["training_samples"] + 6


@pytest.mark.usefixtures("short_stages")
def test_a_finished_stage_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--resume`` goes on with the stage that is not done; without it both are run."""
    runs: list[tuple[str, Recipe]] = []

    def pretend(arguments: Any, recipe: Recipe) -> None:
        runs.append((arguments.preset, recipe))
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "training.json").write_text("{}")

    monkeypatch.setattr(train_decode, "train", pretend)
    command = ["--preset", "cpu", "--output", str(tmp_path / "a"), "--checkpoints", str(tmp_path)]
    for options, stages in (
        ([], ["cpu-start", "cpu-refine"]),
        (["--resume"], ["cpu-refine"]),
        (["--epochs", "2"], ["cpu-start", "cpu-refine"]),
    ):
        runs.clear()
        assert train_decode.main([*command, *options]) == 0
        assert [preset for preset, _ in runs] == stages
    assert [recipe.epochs for _, recipe in runs] == [2, 2]


def test_resume_takes_the_latest_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The highest step, by number; where there is none, training says that it starts anew."""
    assert train_decode._resume_point(tmp_path, resume=True) is None
    assert "nothing to resume" in capsys.readouterr().err
    for step in (2, 10, 9):
        (tmp_path / f"checkpoint-{step}").mkdir()
    assert train_decode._resume_point(tmp_path, resume=True) == str(tmp_path / "checkpoint-10")
    assert train_decode._resume_point(tmp_path, resume=False) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist; make it with"),
        (b"", "has 0 examples: too few"),
        (_pair("halt", HALT) + b"\n", "has 1 examples: too few"),
        (b"nonsense\n", r"data.jsonl:1: "),
        (_pair("x" * 200, HALT) + b"\n" + _pair("y" * 200, HALT), "none of 1 examples fits"),
    ],
    ids=["missing", "empty", "one", "malformed", "too long"],
)
def test_unusable_data_is_told(
    content: bytes | None,
    message: str,
    tmp_path: Path,
    tiny_base: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Data that cannot be trained on is one line on standard error and exit code 1."""
    file = tmp_path / "data.jsonl"
    if content is not None:
        file.write_bytes(content)
    assert train(tmp_path / "adapter", base=tiny_base, data=file) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message.replace(r"\.", ".") in error
    assert not (tmp_path / "adapter").exists()


def test_an_unusable_base_is_told(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A base model that is not there is told before anything is written."""
    assert train(tmp_path / "adapter", base=tmp_path / "nowhere", data=data) == 1
    assert "error: no base model folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "0"], "--batch-size must be above 0, got 0"),
        (["--epochs", "-1"], "--epochs must be above 0, got -1.0"),
        (["--max-samples", "0"], "--max-samples must be above 0"),
        (["--evaluation-steps", "0"], "--evaluation-steps must be above 0"),
        (["--threads", "0"], "--threads must be above 0"),
        (["--extra-samples", "0"], "--extra-samples must be above 0"),
        (["--skip-samples", "-1"], "--skip-samples must be at least 0"),
        (["--extra", "x", "--dialect", "lenient"], "--extra is for the strict dialect"),
        (["--preset", "magic"], "invalid choice: 'magic'"),
        (["--seed", "x"], "invalid int value: 'x'"),
        (["--output", __file__], "is not a folder"),
    ],
    ids=str,
)
def test_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments that make no sense are refused before any data or model is read."""
    with pytest.raises(SystemExit) as caught:
        train_decode.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_the_recipe_of_the_report() -> None:
    """The defaults are the earlier report's: rank, alpha, dropout, rate, warm-up, decay, length."""
    recipe = PRESETS["report"]
    assert train_decode.build_parser().parse_args([]).preset == "report"
    assert (recipe.rank, recipe.alpha, recipe.dropout) == (16, 32, 0.05)
    assert (recipe.learning_rate, recipe.warmup_ratio, recipe.weight_decay) == (3e-4, 0.05, 0.01)
    assert recipe.max_length == 128
    assert len(TARGET_MODULES) == 7


def test_evaluation_examples_are_not_trained_on(tiny_base: Path, data: Path) -> None:
    """The two parts are disjoint, the same for every seed, and respect the limit."""
    loaded = load_model(None, base=tiny_base, dtype=torch.float32)
    recipe = Recipe(max_samples=10, max_length=1000)

    def split(*options: str) -> tuple[list[Feature], list[Feature], int]:
        arguments = train_decode.build_parser().parse_args(["--data", str(data), *options])
        return train_decode._split(loaded, arguments, recipe, Path())

    first = split("--seed", "1")
    training, evaluation, skipped = first
    assert (len(training), len(evaluation), skipped) == (10, 6, 0)
    assert split("--seed", "1") == first
    assert split("--seed", "2") == first
    everything = read_examples(data)
    Random(0).shuffle(everything)
    kept, _ = encode_examples(loaded.tokenizer, everything, 1000)
    assert (evaluation, training) == (kept[:6], kept[6:16])
    assert split("--seed", "1", "--skip-samples", "5") == (kept[11:21], kept[:6], 0)
