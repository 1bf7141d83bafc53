"""Under the constraint even an untrained model emits only valid JSON."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import outlines
import pytest
import torch
from outlines.backends.outlines_core import OutlinesCoreLogitsProcessor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
)

from benchmarks.qwen_vocabulary import ROWS, qwen_base
from kvrm_grammar.decoding.outlines import generate as generate_module
from kvrm_grammar.decoding.outlines.generate import generate_constrained
from kvrm_grammar.decoding.outlines.logits import ConstraintLogitsProcessor
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import DecodeError, LimitError
from kvrm_grammar.isa import load_set, operation_from_json, operation_to_json
from kvrm_grammar.language.constraint import build_constraint, finite_constraint
from kvrm_grammar.language.index import TokenIndex, build_index
from kvrm_grammar.language.tokens import encode_plain
from tests.language.masks import must_stop

TEXTS = ("halt", "sub r5 r3 r1", "MOV R3, 0x7F ; a comment", "jmp a.rather_long_label$", "?", "")
NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny matrices gain nothing from several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def index(tiny_tokenizer: Any) -> TokenIndex:
    return build_index(build_constraint(load_set()), tiny_tokenizer, use_cache=False)


@pytest.fixture(scope="module")
def prompts(tiny_tokenizer: Any) -> list[list[int]]:
    """Prompts of different lengths."""
    return [
        encode_plain(tiny_tokenizer, find_dialect("strict").read(text).prompt) for text in TEXTS
    ]


@pytest.fixture
def model(tiny_base: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_base).eval()


def random_model(seed: int, rows: int) -> Any:
    """Weights so large that the choices differ from seed to seed and row to row."""
    config = LlamaConfig(
        vocab_size=rows,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=1.0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).eval()


def assert_valid(tokenizer: Any, answers: list[list[int]]) -> None:
    for answer in answers:
        text = tokenizer.decode(answer)
        assert operation_to_json(operation_from_json(text)) == text


@pytest.mark.parametrize("seed", range(4))
def test_untrained_model_emits_only_valid_json(
    seed: int, index: TokenIndex, prompts: list[list[int]], tiny_tokenizer: Any
) -> None:
    """Also where it has more rows than the tokenizer; alone and in a batch it says the same."""
    model = random_model(seed, index.vocab_size + 50)
    batched = generate_constrained(model, prompts, index)
    assert_valid(tiny_tokenizer, batched)
    assert len({len(answer) for answer in batched}) > 1, "all rows finished at the same time"
    assert [generate_constrained(model, [prompt], index)[0] for prompt in prompts] == batched


def test_outlines_own_processor_chooses_the_same(
    index: TokenIndex, prompts: list[list[int]], tiny_tokenizer: Any
) -> None:
    """Token for token what Outlines' processor for a compiled index gives."""
    model = random_model(1, index.vocab_size)
    # Its masking kernel would otherwise be compiled with a C++ compiler first.
    with torch.compiler.set_stance("force_eager"), pytest.MonkeyPatch.context() as patch:
        ours = generate_constrained(model, prompts, index)
        patch.setattr(
            generate_module,
            "ConstraintLogitsProcessor",
            lambda token_index: OutlinesCoreLogitsProcessor(token_index.index, "torch"),
        )
        assert generate_constrained(model, prompts, index) == ours


def test_outlines_generator_runs_the_processor(
    model: Any, index: TokenIndex, tiny_base: Path
) -> None:
    """The same answers through ``outlines.Generator``, which resets between calls."""
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_base)  # Outlines sets its padding side
    texts = [find_dialect("strict").read(text).prompt for text in TEXTS[:3]]
    generator = outlines.Generator(
        outlines.from_transformers(model, tokenizer),
        processor=ConstraintLogitsProcessor(index),
    )
    through_outlines = generator.batch(texts, max_new_tokens=index.max_tokens, do_sample=False)
    token_ids = [encode_plain(tokenizer, text) for text in texts]
    ours = generate_constrained(model, token_ids, index)
    assert through_outlines == [tokenizer.decode(answer) for answer in ours]
    assert generator(texts[0], max_new_tokens=index.max_tokens) == through_outlines[0]


def test_base_models_own_defaults_have_no_influence(
    model: Any,
    index: TokenIndex,
    prompts: list[list[int]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Sampling, penalties and end tokens of a chat model change nothing, and nothing is said."""
    expected = generate_constrained(model, prompts, index)
    capfd.readouterr()
    chat = GenerationConfig(
        do_sample=True,
        temperature=0.7,
        top_k=20,
        top_p=0.8,
        repetition_penalty=5.0,
        eos_token_id=[1, 5, 6],
        bos_token_id=1,
        pad_token_id=9,
    )
    model.generation_config = chat
    assert generate_constrained(model, prompts, index) == expected
    assert model.generation_config is chat
    assert capfd.readouterr() == ("", "")


def test_threads_do_not_disturb_each_other(
    model: Any, index: TokenIndex, prompts: list[list[int]]
) -> None:
    """Model and index are shared, everything else belongs to one call."""
    expected = [generate_constrained(model, [prompt], index) for prompt in prompts]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda p: generate_constrained(model, [p], index), prompts * 2))
    assert found == expected * 2


def test_language_of_one_text_is_answered_with_it(
    model: Any, prompts: list[list[int]], tiny_tokenizer: Any
) -> None:
    """Whatever the model prefers; the spelling is its choice."""
    text = '{"a":"<|im_end|> é"}'
    index = build_index(finite_constraint([text]), tiny_tokenizer, use_cache=False)
    answers = generate_constrained(model, prompts, index)
    assert [tiny_tokenizer.decode(answer) for answer in answers] == [text] * len(prompts)


def test_a_limit_that_could_cut_is_refused(
    model: Any, index: TokenIndex, prompts: list[list[int]]
) -> None:
    """The longest answer fits exactly; one token less is refused before the model runs."""
    longest = index.max_tokens
    [answer] = generate_constrained(model, prompts[:1], index)
    assert generate_constrained(model, prompts[:1], index, max_new_tokens=longest) == [answer]
    for limit in (0, 1, len(answer), longest - 1):
        with pytest.raises(LimitError, match=rf"is {limit}, the longest answer has {longest}"):
            generate_constrained(None, prompts[:1], index, max_new_tokens=limit)


def test_unusable_arguments_are_errors(
    model: Any, index: TokenIndex, prompts: list[list[int]]
) -> None:
    """No prompts, an empty prompt, a model of another tokenizer."""
    assert generate_constrained(model, [], index) == []
    with pytest.raises(ValueError, match="prompt 1 is empty"):
        generate_constrained(model, [prompts[0], []], index)
    with pytest.raises(DecodeError, match="do not belong together"):
        generate_constrained(random_model(0, 100), prompts, index)


def test_weights_that_are_not_numbers_are_an_error(
    model: Any, index: TokenIndex, prompts: list[list[int]]
) -> None:
    """A damaged model says so instead of answering."""
    with torch.no_grad():
        model.model.norm.weight.fill_(NAN)
    with pytest.raises(DecodeError, match="nan, not numbers"):
        generate_constrained(model, prompts, index)


# ---- the processor, one step at a time


def step(processor: ConstraintLogitsProcessor, rows: list[list[int]], scores: Any) -> Any:
    return processor(torch.tensor(rows), scores)


def brace(index: TokenIndex) -> int:
    return int(index.allowed(index.initial_state)[0])


def test_scores_of_allowed_tokens_are_kept(index: TokenIndex) -> None:
    """All others are minus infinity, control tokens and padding rows included."""
    scores = torch.randn(2, index.vocab_size + 7)
    scores[:, : brace(index)] += 1000.0
    masked = step(ConstraintLogitsProcessor(index), [[1], [2]], scores.clone())
    allowed = torch.from_numpy(index.allowed(index.initial_state).copy())
    assert torch.equal(masked[:, allowed], scores[:, allowed])
    assert (masked > -INFINITY).sum(dim=-1).tolist() == [len(allowed)] * 2


def test_row_that_has_ended_stays_so(tiny_tokenizer: Any) -> None:
    """After its end token a row may hold any padding, while others go on."""
    index = build_index(finite_constraint(["a", "bcd"]), tiny_tokenizer, use_cache=False)
    a, b, c, d = (encode_plain(tiny_tokenizer, letter)[0] for letter in "abcd")
    end, padding = index.eos_token_id, 0
    processor = ConstraintLogitsProcessor(index)
    columns = [(9, 9), (a, b), (end, c), (padding, d), (padding, end)]
    expected = [None, (end, c), (end, d), (end, end), (end, end)]
    for column, best in zip(columns, expected, strict=True):
        masked = step(processor, [[token] for token in column], torch.zeros(2, index.vocab_size))
        if best is not None:
            assert tuple(masked.argmax(dim=-1).tolist()) == best
            assert (masked > -INFINITY).sum().item() == 2


def test_processor_must_be_reset_between_prompts(index: TokenIndex) -> None:
    """Used for another prompt without a reset, it refuses; after one, it starts afresh."""
    processor = ConstraintLogitsProcessor(index)
    scores = torch.zeros(1, index.vocab_size)
    first = step(processor, [[1]], scores)
    with pytest.raises(DecodeError, match="token 1 is not allowed here"):
        step(processor, [[1]], scores)
    processor.reset()
    assert torch.equal(step(processor, [[1]], scores), first)


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scores_that_are_not_numbers_are_an_error(
    value: float, dtype: torch.dtype, index: TokenIndex
) -> None:
    """Where they would decide; what the constraint masks anyway may be anything."""
    scores = torch.zeros(2, index.vocab_size, dtype=dtype)
    scores[:, : brace(index)] = value
    step(ConstraintLogitsProcessor(index), [[1], [1]], scores)
    scores[1, index.allowed(index.initial_state).tolist()] = value
    with pytest.raises(DecodeError, match="row 1"):
        step(ConstraintLogitsProcessor(index), [[1], [1]], scores)


# ---- the reference base's vocabulary


def test_real_qwen_vocabulary(
    tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """151,643 tokens and 271 rows of padding: index from disk, valid answers, alone and batched."""
    folder = qwen_base(tmp_path / "qwen")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    constraint = build_constraint(load_set())
    build_index(constraint, tokenizer)
    index = build_index(constraint, tokenizer)
    assert len(list(cache_folder.rglob("*.entry"))) == 1
    assert (index.eos_token_id, index.vocab_size) == (151_645, 151_646)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert model.config.vocab_size == ROWS
    prompts = [
        encode_plain(tokenizer, find_dialect("strict").read(text).prompt) for text in TEXTS[:3]
    ]
    answers = generate_constrained(model, prompts, index)
    assert_valid(tokenizer, answers)
    assert [generate_constrained(model, [prompt], index)[0] for prompt in prompts] == answers
    own = encode_plain(tokenizer, '{"key":"OP_JMP","params":{"addr":"R1x$.loop"}}')
    state = index.walk(own)
    assert state is not None
    assert must_stop(index, state)
