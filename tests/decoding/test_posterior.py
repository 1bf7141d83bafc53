"""The posterior is what scoring every member by itself gives, and its sums are right."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kvrm_grammar.decoding import posterior as module
from kvrm_grammar.decoding.decoded import Decoded
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.posterior import log_weights
from kvrm_grammar.errors import DecodeError, LineTooLongError
from kvrm_grammar.isa import operation_to_json
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.weights.pytorch.loading import load_model

TEXTS = ("sub r5 r3 r1", "mov r1, 0x1F", "jmp loop", "halt", "cmp r2 r2", "")


@pytest.fixture(scope="module", params=["torch", "openvino"])
def decoder(
    request: pytest.FixtureRequest, tiny_adapter: Path, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """One of each backend, in float32."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KVRM_GRAMMAR_CACHE", str(tmp_path_factory.mktemp("posterior")))
        yield Decoder.from_pretrained(
            tiny_adapter, backend=request.param, precision="float32", device="cpu"
        )


@pytest.fixture(scope="module")
def reference(tiny_adapter: Path) -> Any:
    """The plain model of transformers."""
    return load_model(tiny_adapter, dtype="float32", device="cpu").model


def by_force(model: Any, prompt: Sequence[int], members: Sequence[Sequence[int]]) -> Any:
    """Probabilities from one plain forward pass for each member, by transformers' own logits."""
    weights = []
    for own in members:
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*prompt, *own[:-1]]])).logits[0].double()
        chances = torch.log_softmax(logits[len(prompt) - 1 :], dim=-1)
        weights.append(sum(float(chances[i, token]) for i, token in enumerate(own)))
    return torch.softmax(torch.tensor(weights, dtype=torch.float64), dim=0).numpy()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("nodes", [640, 20])
def test_it_is_what_brute_force_gives(
    text: str, nodes: int, decoder: Decoder, reference: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To 1e-5, in one pass or in several."""
    monkeypatch.setattr(module, "_NODES", nodes)
    found = decoder.posterior(text)
    tokenizer = decoder.loaded.tokenizer
    eos = decoder.index.eos_token_id
    members = [[*encode_plain(tokenizer, one.json), eos] for one in found.operations]
    assert len(members) >= 3
    prompt = decoder.pipeline.prompt(decoder.dialect.read(text))
    # The tokenizer's own size is that of the tiny model's vocabulary: nothing is padding.
    assert decoder.index.vocabulary.size == reference.get_input_embeddings().num_embeddings
    expected = by_force(reference, prompt, members)
    given = [one.probability for one in found.operations]
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-12)
    assert given == sorted(given, reverse=True)
    assert math.fsum(given) == pytest.approx(1, abs=1e-12)
    assert (found.passes == 1) is (nodes == 640)


def test_members_are_all_that_the_text_allows(decoder: Decoder) -> None:
    """Each once: three registers give 6 for each of three operations, and so on."""
    found = decoder.posterior("sub r5 r3 r1")
    keys = [one.operation.key for one in found.operations]
    counts = {key: keys.count(key) for key in keys}
    assert counts == {
        "OP_ADD": 6, "OP_SUB": 6, "OP_MUL": 6, "OP_MOV_REG_REG": 6, "OP_CMP": 6, "OP_INC": 3,
        "OP_DEC": 3, "OP_HALT": 1, "OP_NOP": 1, "OP_INVALID": 1,
    }  # fmt: skip
    assert len({operation_to_json(one.operation) for one in found.operations}) == len(keys)


def test_marginals_are_sums(decoder: Decoder) -> None:
    """Of the key they have the sum 1, of a parameter that of the operations which have it."""
    found = decoder.posterior("mov r5, r3")
    fields = found.fields
    assert set(fields) == {"key", "dest", "src", "src1", "src2"}
    assert math.fsum(fields["key"].values()) == pytest.approx(1)
    for name, own in fields.items():
        assert list(own.values()) == sorted(own.values(), reverse=True)
        if name == "key":
            continue
        for value, chance in own.items():
            parts = [
                one.probability
                for one in found.operations
                if one.operation.params.model_dump().get(name) == value
            ]
            assert len(parts) >= 1
            assert chance == pytest.approx(math.fsum(parts))
    chances = [one.probability for one in found.operations]
    assert found.entropy == pytest.approx(-sum(p * math.log(p) for p in chances))
    assert 0 < found.entropy <= math.log(len(chances))
    assert found.best == found.operations[0]


def test_alternatives_are_its_first(decoder: Decoder) -> None:
    """Grounded ones; under the schema they are searched for, by their local probabilities."""
    decoded = decoder.decode("mov r5, r3")
    found = decoder.posterior(decoded).operations
    assert decoder.alternatives(decoded, 3) == found[:3]
    assert decoder.alternatives(decoded, 999) == found
    schema = decoder.constrained("schema")
    assert schema.posterior("mov r5, r3").operations == found
    own = schema.decode("mov r5, r3")
    assert own.operation in [one.operation for one in schema.alternatives(own, 2)]


def test_what_cannot_be_read_is_an_error(decoder: Decoder) -> None:
    """The text's own error, given as a text or as decoded."""
    text = "add " * 100
    with pytest.raises(LineTooLongError):
        decoder.posterior(text)
    (decoded,) = decoder.decode_many([text])
    with pytest.raises(LineTooLongError):
        decoder.posterior(decoded)


def test_a_plain_value_has_no_reading(decoder: Decoder) -> None:
    """What came from nowhere has no probability."""
    from kvrm_grammar.errors import InputError

    with pytest.raises(InputError, match="nothing was read"):
        decoder.posterior(Decoded("halt", None))


def test_scores_that_are_no_numbers(decoder: Decoder) -> None:
    """A typed error."""

    class Broken:
        shares_rows = False

        def hidden(self, ids: Any, positions: Any, mask: Any, places: Any) -> Any:
            return np.full((len(places), 4), np.nan, dtype=np.float32)

        def scores(self, vectors: Any, columns: Any) -> Any:
            return np.full((len(vectors), len(columns)), np.nan, dtype=np.float32)

    with pytest.raises(DecodeError):
        log_weights(Broken(), [1, 2], [[3], [4, 5]], eos_token_id=0, vocabulary=9)
