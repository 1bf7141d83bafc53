"""forking.py: a forked process answers, or says why it cannot; it never hangs."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.sharing import load_decoders
from kvrm_grammar.errors import ModelError
from kvrm_grammar.weights.pytorch.forking import prepare_process
from kvrm_grammar.weights.pytorch.loading import LoadedModel, load_model
from tests.forked import TIMEOUT_S, in_a_fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not fork")


@pytest.fixture
def threads() -> Any:
    """Two threads in torch's pool, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def run(loaded: LoadedModel) -> list[float]:
    """A pass that is large enough for torch to share it among threads."""
    ids = torch.arange(200)[None] % 250 + 3
    with torch.inference_mode(), loaded.active():
        scores: list[float] = loaded.model(input_ids=ids).logits[0, -1, :8].tolist()
    return scores


def test_a_forked_process_answers(threads: None, make_base: Callable[..., Path]) -> None:
    """After the parent has used its pool of threads, and the parent goes on as before."""
    loaded = load_model(None, base=make_base(hidden=512, layers=1), dtype="float32", device="cpu")
    here = run(loaded)
    assert in_a_fork(lambda: run(loaded)) == pytest.approx(here, abs=1e-4)
    assert in_a_fork(lambda: (run(loaded), torch.get_num_threads())[1]) == 1
    assert run(loaded) == here
    assert torch.get_num_threads() == 2


def test_a_fork_while_another_thread_runs_the_model(
    threads: None, two_adapters: tuple[Path, Path]
) -> None:
    """A lock that was held when the process forked does not stop the child."""
    decoders = load_decoders(dict(zip(("strict", "lenient"), two_adapters, strict=True)))
    expected = [decoder.decode("halt").json for decoder in decoders.values()]
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with decoders["lenient"].loaded.active():
            held.set()
            done.wait(2 * TIMEOUT_S)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        found = in_a_fork(lambda: [d.decode("halt").json for d in decoders.values()])
    finally:
        done.set()
        thread.join()
    assert found == expected


def test_a_model_on_a_gpu_is_refused_in_a_fork() -> None:
    """The error is typed and says what to do."""
    device = torch.device("cuda:0")
    prepare_process(os.getpid(), device)
    parent = os.getpid()
    with pytest.raises(ModelError, match=f"forked from {parent}.*cuda:0.*or start it by 'spawn'"):
        in_a_fork(lambda: prepare_process(parent, device))


def test_the_fork_is_told_once(threads: None, caplog: pytest.LogCaptureFixture) -> None:
    """A forked process logs that it computes with one thread, and not at every run."""

    def work() -> list[str]:
        with caplog.at_level(logging.WARNING, "kvrm_grammar"):
            for _ in range(3):
                prepare_process(os.getppid(), torch.device("cpu"))
        return [record.getMessage() for record in caplog.records]

    (message,) = in_a_fork(work)
    assert f"forked from {os.getpid()}" in message and "one thread" in message


@pytest.mark.model
def test_the_real_model_answers_in_a_fork(threads: None) -> None:
    """The shipped decoder, used before the fork and inside it."""
    decoder = Decoder.from_pretrained(device="cpu")
    assert decoder.decode("halt").json == '{"key":"OP_HALT","params":{}}'
    assert in_a_fork(lambda: decoder.decode("nop").json) == '{"key":"OP_NOP","params":{}}'
