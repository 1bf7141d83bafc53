"""switching.py: several adapters on one base, and each answers as if it were alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from kvrm_grammar.decoding.sharing import load_decoders
from kvrm_grammar.dialects import find_dialect
from kvrm_grammar.errors import AdapterError, InputError
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.weights.pytorch.loading import load_model, load_models

TEXTS = ("sub r5 r3 r1", "mov r1, 7", "jmp there", "halt", "inc r8")


def logits(loaded: Any, text: str) -> torch.Tensor:
    ids = torch.tensor([encode_plain(loaded.tokenizer, find_dialect("strict").read(text).prompt)])
    with torch.inference_mode(), loaded.active():
        result: torch.Tensor = loaded.model(ids).logits
        return result.clone()


def test_each_adapter_gives_its_own_scores(two_adapters: tuple[Path, Path]) -> None:
    """One model in memory; what each gives is what it gives alone, before and after the other."""
    shared = load_models(two_adapters, dtype=torch.float32)
    assert shared[0].model is shared[1].model
    assert [one.adapter_path for one in shared] == list(two_adapters)
    alone = [load_model(path, dtype=torch.float32, merge=False) for path in two_adapters]
    for _ in range(2):
        for one, own in zip(shared, alone, strict=True):
            torch.testing.assert_close(logits(one, "halt"), logits(own, "halt"), rtol=0, atol=0)
    assert not torch.equal(logits(shared[0], "halt"), logits(shared[1], "halt"))


def test_nothing_is_trainable(two_adapters: tuple[Path, Path]) -> None:
    """Switching asks for no gradients."""
    shared = load_models(two_adapters, dtype=torch.float32)
    for one in shared:
        with one.active():
            assert not any(p.requires_grad for p in one.model.parameters())


def test_threads_take_turns(two_adapters: tuple[Path, Path]) -> None:
    """Two dialects decoded at once answer as one after the other."""
    decoders = load_decoders(dict(zip(("strict", "lenient"), two_adapters, strict=True)))
    work = [(name, text) for text in TEXTS for name in decoders] * 3
    once = {(name, text): decoders[name].decode(text).json for name, text in work}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda job: decoders[job[0]].decode(job[1]).json, work))
    assert answers == [once[job] for job in work]
    assert decoders["strict"].dialect.name == "strict"
    assert decoders["lenient"].dialect.name == "lenient"


def test_alternatives_use_their_own_adapter(two_adapters: tuple[Path, Path]) -> None:
    """They are searched later, when another adapter may be active."""
    decoders = load_decoders(dict(zip(("strict", "lenient"), two_adapters, strict=True)))
    decoded = decoders["strict"].decode("mov r1 5")
    decoders["lenient"].decode("mov r1 5")
    assert decoded.confidence is not None
    first = decoders["strict"].alternatives(decoded, 1)[0]
    assert first.probability >= decoded.confidence - 1e-6


def test_adapters_of_other_bases_are_refused(
    two_adapters: tuple[Path, Path], make_base: Any, make_adapter: Any
) -> None:
    """Sharing needs one base."""
    other = make_adapter(make_base())
    with pytest.raises(AdapterError, match="is for"):
        load_models([two_adapters[0], other])
    with pytest.raises(AdapterError, match="no adapter was named"):
        load_models([])
    with pytest.raises(InputError, match="unknown dialect"):
        load_decoders({"casual": two_adapters[0]})
