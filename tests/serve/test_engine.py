"""The engine: batches are shared, answers never, and the queue has an end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kvrm_grammar.serve.engine import BatchEngine, Question, Reply
from kvrm_grammar.serve.metrics import Metrics
from kvrm_grammar.serve.problems import RequestError
from kvrm_grammar.serve.settings import Limits
from tests.serve.answering import FAILING, UNSURE, FakeModel, run

TEXTS = [f"jmp {number}" for number in range(100)]


@asynccontextmanager
async def engine(model: FakeModel, **limits: Any) -> AsyncIterator[BatchEngine]:
    """A running engine around one model, which is named ``a`` and ``b``."""
    own = BatchEngine({"a": model, "b": model}, Limits(**limits), Metrics())
    own.start()
    try:
        yield own
    finally:
        model.gate.set()
        await own.stop()


async def reached(condition: Any) -> None:
    """Wait until something is so."""
    while not condition():
        await asyncio.sleep(0.002)


async def problem(asked: Awaitable[Any]) -> RequestError:
    """The error of what must not be answered."""
    with pytest.raises(RequestError) as caught:
        await asked
    return caught.value


def test_requests_share_batches_and_no_answer_is_crossed() -> None:
    """A hundred requests at a time need few batches, and each gets the answer to its own text."""

    async def scenario() -> None:
        model = FakeModel()
        async with engine(model, batch_size=16) as own:
            found = await asyncio.gather(*(own.ask([Question("a", text)]) for text in TEXTS))
        assert [reply.decoded.text for (reply,) in found] == TEXTS
        targets = [getattr(reply.decoded.operation, "params").addr for (reply,) in found]  # noqa: B009
        assert targets == [*range(100)]
        assert len(model.batches) < 12
        assert max(len(batch) for batch in model.batches) == 16
        assert sorted(text for batch in model.batches for text in batch) == sorted(TEXTS)

    run(scenario())


def test_a_request_keeps_its_order() -> None:
    """Texts of many lengths are batched by length, and answered in the order of the request."""
    texts = [f"{'l' * (number % 60 + 1)}: halt" for number in range(90)]

    async def scenario() -> None:
        model = FakeModel()
        async with engine(model, batch_size=8) as own:
            found = await own.ask([Question("a", text) for text in texts])
        assert [reply.decoded.text for reply in found] == texts
        assert [text for batch in model.batches for text in batch] != texts

    run(scenario())


def test_a_batch_is_of_one_model_and_one_threshold() -> None:
    """What cannot be run together is not; the oldest text is in the next batch."""

    async def scenario() -> None:
        model = FakeModel()
        questions = [Question("a", "halt"), Question("b", "nop"), Question("a", "jmp 1", 0.9)]
        async with engine(model) as own:
            await own.ask(questions * 2)
        assert model.batches == [["halt"] * 2, ["nop"] * 2, ["jmp 1"] * 2]

    run(scenario())


def test_a_threshold_is_its_questions_own() -> None:
    """The same text is refused for one and answered for the other."""
    text = f"jmp {UNSURE}"

    async def scenario() -> None:
        async with engine(FakeModel()) as own:
            found = await own.ask([Question("a", text), Question("a", text, 0.9)])
        assert [reply.decoded.valid for reply in found] == [True, False]
        assert found[1].decoded.reason == "uncertain"

    run(scenario())


def test_a_full_queue_refuses_and_recovers() -> None:
    """What does not fit is refused at once and whole, with a time to come back."""

    async def scenario() -> None:
        model = FakeModel()
        async with engine(model, batch_size=1, max_queue=4) as own:
            model.gate.clear()
            first = asyncio.ensure_future(own.ask([Question("a", "halt")]))
            await reached(lambda: model.batches)
            waiting = asyncio.ensure_future(own.ask([Question("a", "nop")] * 3))
            await reached(lambda: own.waiting == 3)
            error = await problem(own.ask([Question("a", "nop")] * 2))
            assert (error.status, error.code, error.retry_after_s) == (503, "queue_full", 1)
            assert own.waiting == 3
            fits = asyncio.ensure_future(own.ask([Question("a", "nop")]))
            await asyncio.sleep(0)
            model.gate.set()
            assert [len(found) for found in await asyncio.gather(first, waiting, fits)] == [1, 3, 1]
            assert own.waiting == 0

    run(scenario())


def test_a_cancelled_request_frees_its_places() -> None:
    """Its texts that wait are never run, and others take their places."""

    async def scenario() -> None:
        model = FakeModel()
        async with engine(model, batch_size=1, max_queue=3) as own:
            model.gate.clear()
            first = asyncio.ensure_future(own.ask([Question("a", "halt")]))
            await reached(lambda: model.batches)
            left = asyncio.ensure_future(own.ask([Question("a", "jmp gone")] * 3))
            await reached(lambda: own.waiting == 3)
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            assert (left.cancelled(), own.waiting) == (True, 0)
            fits = asyncio.ensure_future(own.ask([Question("a", "nop")] * 3))
            await asyncio.sleep(0)
            model.gate.set()
            await asyncio.gather(first, fits)
        assert [*model.batches] == [["halt"], ["nop"], ["nop"], ["nop"]]

    run(scenario())


def test_a_request_cancelled_in_its_batch_harms_nobody() -> None:
    """Who shares the batch is answered."""

    async def scenario() -> None:
        model = FakeModel()
        async with engine(model) as own:
            model.gate.clear()
            stays = asyncio.ensure_future(own.ask([Question("a", "jmp 7")]))
            leaves = asyncio.ensure_future(own.ask([Question("a", "jmp 8")]))
            await reached(lambda: model.batches == [["jmp 7", "jmp 8"]])
            leaves.cancel()
            await asyncio.sleep(0)
            model.gate.set()
            (reply,) = await stays
            assert reply.decoded.text == "jmp 7"

    run(scenario())


def test_a_failing_model_fails_its_batch_alone() -> None:
    """The error is told without the model's own words, and the next batch runs."""

    async def scenario() -> None:
        async with engine(FakeModel()) as own:
            error = await problem(own.ask([Question("a", f"jmp {FAILING}")] * 3))
            assert (error.status, error.code) == (500, "model_failed")
            assert "secret" not in error.message
            (reply,) = await own.ask([Question("a", "halt")])
            assert reply.decoded.valid and own.waiting == 0

    run(scenario())


def test_weighing_waits_behind_what_waits() -> None:
    """A request that asks for distributions keeps nobody waiting for more than one of them."""

    async def scenario() -> None:
        model = FakeModel()
        async with engine(model, batch_size=2) as own:
            model.gate.clear()
            weighs = asyncio.ensure_future(own.ask([Question("a", "halt", weighs=True)] * 2))
            await reached(lambda: model.batches)
            plain = asyncio.ensure_future(own.ask([Question("a", "nop")]))
            await asyncio.sleep(0)
            model.gate.set()
            found = await weighs
            await plain
        assert all(isinstance(reply, Reply) and reply.posterior is not None for reply in found)
        assert model.batches == [["halt", "halt"], ["nop"]] and model.weighed == ["halt", "halt"]
        assert model.calls == ["decode", "decode", "weigh", "weigh"]

    run(scenario())


def test_a_stopped_engine_leaves_nobody_waiting() -> None:
    """What still waits is cancelled, not forgotten."""

    async def scenario() -> None:
        model = FakeModel()
        async with engine(model, batch_size=1) as own:
            model.gate.clear()
            asked = [asyncio.ensure_future(own.ask([Question("a", "halt")])) for _ in range(3)]
            await reached(lambda: model.batches and own.waiting == 2)
            model.gate.set()
            await own.stop()
            found = await asyncio.gather(*asked[1:], return_exceptions=True)
            assert [type(one) for one in found] == [asyncio.CancelledError] * 2
            asked[0].cancel()

    run(scenario())
