"""openvino.py: the graph as a backend decodes as torch does, from threads and forks too."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from kvrm_grammar.decoding.backends.loading import backend_of
from kvrm_grammar.decoding.backends.openvino import OpenVinoBackend, causal_mask
from kvrm_grammar.decoding.decoded import ConstraintName, Decoded, Method
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.engine import Engine
from kvrm_grammar.decoding.protocol import Request, no_draft
from kvrm_grammar.weights.export.loading import ExportedModel, Table, load_exported
from tests.forked import TIMEOUT_S, in_a_fork

TOKENS = 286


def texts(count: int) -> list[str]:
    """Instructions of all kinds, and what is none."""
    random = Random(7)
    found = ["", "HALT", "caf\u00e9 \u2028", "x" * 200, '{"key":"OP_HALT","params":{}}<|im_end|>']
    while len(found) < count:
        one, two, three = (f"r{random.randrange(8)}" for _ in range(3))
        number = random.randrange(-300, 300)
        found += [
            f"{random.choice(['add', 'SUB', 'mul'])} {one}, {two}, {three}",
            f"mov {one}, {number}",
            f"MOV {one} {two} ; {number}",
            f"{random.choice(['jmp', 'jz', 'js'])} {random.choice(['loop', '12', 'L1'])}",
            f"{random.choice(['inc', 'dec', 'nop', 'cmp'])} {one} {two}",
        ]
    return found[:count]


TEXTS = texts(40)
FEW = TEXTS[::5]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A cache that all tests here share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KVRM_GRAMMAR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def own(cache: None, tiny_adapter: Path) -> Decoder:
    """The tiny adapter in OpenVINO."""
    return Decoder.from_pretrained(tiny_adapter, backend="openvino", precision="float32")


@pytest.fixture(scope="module")
def reference(cache: None, tiny_adapter: Path) -> Decoder:
    """The tiny adapter in torch."""
    return Decoder.from_pretrained(tiny_adapter, backend="torch", device="cpu", precision="float32")


@pytest.fixture(scope="module")
def backend(own: Decoder) -> OpenVinoBackend:
    """The backend of the tiny adapter, of its own."""
    found = backend_of(own.loaded)
    assert isinstance(found, OpenVinoBackend)
    return found


def in_other(decoder: Decoder, method: Method, constraint: ConstraintName) -> Decoder:
    """The same model searched in another way."""
    return Decoder.from_loaded(
        decoder.loaded, decoder.dialect, method=method, constraint=constraint
    )


def same(one: Decoded, other: Decoded) -> None:
    """The same answer token for token, found in the same way, as sure but for rounding."""
    assert (one.text, one.error, one.json) == (other.text, None, other.json)
    assert one.token_ids == other.token_ids
    assert (one.passes, one.drafted, one.forced) == (other.passes, other.drafted, other.forced)
    assert one.confidence == pytest.approx(other.confidence, rel=1e-3, abs=1e-6)
    assert one.margin == pytest.approx(other.margin, abs=1e-3)


@pytest.mark.parametrize("constraint", ["grounded", "schema"])
def test_decodes_as_torch(constraint: ConstraintName, own: Decoder, reference: Decoder) -> None:
    """Forty texts by draft and verify, token for token, in batches and one at a time."""
    mine, theirs = (in_other(decoder, "verify", constraint) for decoder in (own, reference))
    expected = list(theirs.decode_many(TEXTS))
    for one, other in zip(mine.decode_many(TEXTS), expected, strict=True):
        same(one, other)
    for text, other in zip(FEW, expected[::5], strict=True):
        same(mine.decode(text), other)


@pytest.mark.parametrize("constraint", ["grounded", "schema"])
def test_stepwise_as_torch(constraint: ConstraintName, own: Decoder, reference: Decoder) -> None:
    """A token at a time gives the same tokens in both backends, and those of verify."""
    mine, theirs = (in_other(decoder, "stepwise", constraint) for decoder in (own, reference))
    verified = list(in_other(own, "verify", constraint).decode_many(TEXTS))
    answers = zip(mine.decode_many(TEXTS), theirs.decode_many(TEXTS), verified, strict=True)
    for one, other, whole in answers:
        same(one, other)
        assert one.token_ids == whole.token_ids


def test_alternatives_as_torch(own: Decoder, reference: Decoder) -> None:
    """The same operations in the same order, as probable but for rounding."""
    for text in FEW:
        mine = own.alternatives(own.decode(text), 4)
        theirs = reference.alternatives(reference.decode(text), 4)
        assert [one.operation for one in mine] == [one.operation for one in theirs]
        assert [one.probability for one in mine] == pytest.approx(
            [one.probability for one in theirs], rel=1e-3, abs=1e-6
        )
        assert mine


def test_the_other_family(
    cache: None, make_base: Callable[..., Path], make_adapter: Callable[..., Path]
) -> None:
    """Qwen2 decodes the same in both backends."""
    folder = make_adapter(make_base(family="qwen2"))
    mine, theirs = (
        Decoder.from_pretrained(folder, backend=name, device="cpu", precision="float32")
        for name in ("openvino", "torch")
    )
    for one, other in zip(mine.decode_many(FEW), theirs.decode_many(FEW), strict=True):
        same(one, other)


def test_two_adapters_are_two_graphs(cache: None, two_adapters: tuple[Path, Path]) -> None:
    """Adapters of one base that differ give states that differ."""
    models = [load_exported(folder, precision="float32") for folder in two_adapters]
    one, two = (states(OpenVinoBackend(model), *sample(3)) for model in models)
    assert np.abs(one - two).max() > 1e-2


@pytest.mark.parametrize("rows", [1, 2])
def test_the_engine_gives_arrays_that_can_be_written(
    rows: int, own: Decoder, backend: OpenVinoBackend
) -> None:
    """A read-only array makes torch warn on standard error, in the middle of an answer."""
    seen: list[bool] = []

    class Watch(OpenVinoBackend):
        def hidden(self, ids: Any, positions: Any, mask: Any, places: Any) -> Any:
            seen.append(ids.flags.writeable and positions.flags.writeable)
            return super().hidden(ids, positions, mask, places)

    engine = Engine(Watch(backend._model))
    engine.run([Request([5, 6, 7], own.index, no_draft)] * rows)
    assert all(seen)


# --- the backend by itself ---------------------------------------------------------------


def sample(seed: int) -> tuple[Any, Any, Any, Any]:
    """A random batch: its shape depends on the seed too."""
    random = np.random.default_rng(seed)
    rows, length = 1 + seed % 3, 5 + seed * 7 % 23
    ids = random.integers(3, TOKENS, (rows, length))
    places = np.array([(row, place) for row in range(rows) for place in range(length)])
    return ids, np.tile(np.arange(length), (rows, 1)), None, places


def states(backend: OpenVinoBackend, *batch: Any) -> Any:
    """Hidden states of a batch."""
    return backend.hidden(*batch)


def test_states_are_copies(backend: OpenVinoBackend) -> None:
    """A later run does not write over what an earlier one gave."""
    first = states(backend, *sample(1))
    before = first.copy()
    states(backend, *sample(2))
    np.testing.assert_array_equal(first, before)
    np.testing.assert_array_equal(states(backend, *sample(1)), before)


def test_inputs_are_left_alone(backend: OpenVinoBackend) -> None:
    """IDs, positions and mask are as before."""
    ids, positions, _, places = sample(4)
    mask = causal_mask(ids.shape[1]).copy()
    inputs = [ids, positions, mask, places]
    before = [each.copy() for each in inputs]
    states(backend, *inputs)
    for one, other in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_at_once(backend: OpenVinoBackend) -> None:
    """Batches of other shapes from several threads give what each gives alone."""
    seeds = [*range(12)] * 4
    expected = {seed: states(backend, *sample(seed)) for seed in set(seeds)}
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda seed: states(backend, *sample(seed)), seeds))
    for seed, own in zip(seeds, found, strict=True):
        np.testing.assert_array_equal(own, expected[seed])


def test_threads_that_decode(own: Decoder) -> None:
    """One decoder shared by threads answers as alone."""
    expected = [own.decode(text).token_ids for text in FEW]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(2):
            assert list(pool.map(lambda text: own.decode(text).token_ids, FEW)) == expected


def test_two_backends_of_one_model(own: Decoder, backend: OpenVinoBackend) -> None:
    """Each has its own request; one run between the other's runs changes nothing."""
    model: Any = own.loaded
    other = OpenVinoBackend(model)
    expected = states(backend, *sample(5))
    states(other, *sample(6))
    np.testing.assert_array_equal(states(backend, *sample(5)), expected)
    np.testing.assert_array_equal(states(other, *sample(5)), expected)


def test_usable_after_garbage_collection(cache: None, tiny_adapter: Path) -> None:
    """The backend keeps the memory that its graph is mapped from."""
    first = OpenVinoBackend(load_exported(tiny_adapter, precision="float32"))
    expected = states(first, *sample(8))
    for _ in range(3):
        gc.collect()
    np.testing.assert_array_equal(states(first, *sample(8)), expected)


forks = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not fork")


@forks
def test_a_forked_process_computes_the_same(backend: OpenVinoBackend) -> None:
    """A child has the parent's states, and the parent goes on as before."""
    expected = states(backend, *sample(9))
    found = in_a_fork(lambda: states(backend, *sample(9)))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(states(backend, *sample(9)), expected)


@forks
def test_a_forked_process_decodes(own: Decoder) -> None:
    """A whole decoder that was used before the fork answers inside it, alternatives too."""
    expected = [own.decode(text).token_ids for text in FEW]
    assert in_a_fork(lambda: [own.decode(text).token_ids for text in FEW]) == expected
    decoded = own.decode(FEW[0])
    assert in_a_fork(lambda: len(own.alternatives(decoded, 3))) == len(own.alternatives(decoded, 3))


@forks
def test_a_fork_while_another_thread_runs(backend: OpenVinoBackend) -> None:
    """A lock that another thread held when the process forked does not stop the child."""
    expected = states(backend, *sample(10))
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with backend._lock:
            held.set()
            free.wait(TIMEOUT_S)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(TIMEOUT_S)
    try:
        found = in_a_fork(lambda: states(backend, *sample(10)))
    finally:
        free.set()
        thread.join()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def table(rows: int, *, bias: bool) -> OpenVinoBackend:
    """A backend with a large output matrix in bfloat16, and no graph."""
    random = np.random.default_rng(1)
    stored = (random.normal(size=(rows, 16)).astype(np.float32).view(np.uint32) >> 16).astype(
        np.uint16
    )
    own = random.normal(size=rows).astype(np.float32) if bias else None
    head: Any = Table(stored, True, own)
    tokenizer: Any = None
    model = ExportedModel(None, head, head, tokenizer, "n", "i", None, "float32")
    return OpenVinoBackend(model)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("count", [2, 4095, 4096, 4097, 8192, 8193, 20_000])
def test_scores_of_many_columns(count: int, bias: bool) -> None:
    """Any number of columns, in any order, gives what pieces of them give, and numpy."""
    large = table(20_000, bias=bias)
    columns = np.random.default_rng(count).permutation(20_000)[:count]
    vectors = np.random.default_rng(2).normal(size=(3, 16)).astype(np.float32)
    whole = large.scores(vectors, columns)
    assert whole.shape == (3, count)
    assert whole.dtype == np.float32
    pieces = [large.scores(vectors, columns[at : at + 999]) for at in range(0, count, 999)]
    np.testing.assert_allclose(whole, np.concatenate(pieces, axis=1), atol=1e-5)
    head = large._model.head
    exact = vectors.astype(np.float64) @ head.rows(columns).astype(np.float64).T
    expected = exact if head.bias is None else exact + head.bias[columns]
    np.testing.assert_allclose(whole, expected, atol=1e-4)


def test_causal_mask() -> None:
    """A query sees itself and what is before it; the shared array cannot be written."""
    mask = causal_mask(4)
    assert mask.shape == (1, 1, 4, 4)
    assert mask.dtype == np.float32
    np.testing.assert_array_equal(mask[0, 0] == 0, np.tril(np.ones((4, 4), dtype=bool)))
    assert mask.min() <= -1e9
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0, 0, 0] = 1
    assert causal_mask(4) is mask


_DAEMON = """
import sys, threading
from kvrm_grammar.decoding.decoder import Decoder

decoder = Decoder.from_pretrained(sys.argv[1], backend="openvino", precision="float32")
running = threading.Event()

def run():
    while True:
        decoder.decode("sub r5 r3 r1")
        running.set()

threading.Thread(target=run, daemon=True).start()
running.wait()
"""


def test_python_ends_while_a_daemon_thread_runs(tiny_adapter: Path, tmp_path: Path) -> None:
    """The run that has begun is waited for: ended inside of C++, the process would abort."""
    environment = {**os.environ, "KVRM_GRAMMAR_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", _DAEMON, str(tiny_adapter)]
    for _ in range(3):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
