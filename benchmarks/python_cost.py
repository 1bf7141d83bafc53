"""All that decoding a text costs beside the model, in Python.

In: a tokenizer, a dialect and texts. Out: milliseconds a text, alone and in batches, with a
backend that agrees with every draft in no time. :mod:`benchmarks.parts` times it beside the rest.
"""

import gc
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.timing import timed
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.pipeline import Pipeline
from kvrm_grammar.dialects import Dialect
from kvrm_grammar.isa import operation_to_json
from kvrm_grammar.language.tokens import encode_plain

__all__ = ["Agreeing", "measure_python"]


class Agreeing:
    """A backend without a model: it agrees with the first draft of known texts. Immutable.

    Where a text went another way than that draft, it agrees with what it is given to read, and
    behind the end of that it has no opinion.
    """

    shares_rows = False  # so that a text begins where its row does

    def __init__(self, pipeline: Pipeline, texts: Sequence[str]) -> None:
        self._following: dict[bytes, int] = {}
        self._end = pipeline.index.eos_token_id
        for text in texts:
            reading = pipeline.dialect.read(text)
            prompt = pipeline.prompt(reading)
            answer = encode_plain(pipeline.loaded.tokenizer, operation_to_json(reading.guess))
            whole = np.array([*prompt, *answer, self._end])
            for end in range(len(prompt), len(whole)):
                self._following[whole[:end].tobytes()] = int(whole[end])

    def hidden(self, ids: Any, positions: Any, mask: Any, places: Any) -> Any:
        """The token that follows each place, as float32 of shape (n, 1)."""
        following = []
        for row, at in places.tolist():
            read = ids[row, at + 1] if at + 1 < ids.shape[1] else self._end
            following.append(self._following.get(ids[row, : at + 1].tobytes(), read))
        return np.array(following, dtype=np.float32)[:, None]

    def scores(self, vectors: Any, columns: Any) -> Any:
        """100 for that token, 0 for others, so that no other name has a chance."""
        return 100 * (vectors == columns[None]).astype(np.float32)


def _all_of(decoder: Decoder, texts: Sequence[str], batch_size: int) -> list[Any]:
    return list(decoder.decode_many(texts, batch_size=batch_size))


def measure_python(tokenizer: Any, dialect: Dialect, texts: Sequence[str]) -> dict[str, float]:
    """All that decoding a text takes beside the model, in batches of 16 and alone.

    Medians of five shares of the texts, none of which was decoded before; the draft is right. What
    else is loaded here, torch and Outlines, is not searched for garbage: no decode has that.
    """
    loaded: Any = SimpleNamespace(tokenizer=tokenizer, precision="float32", active=nullcontext)
    decoder = Decoder.from_loaded(loaded, dialect)
    vars(decoder.pipeline)["backend"] = Agreeing(decoder.pipeline, texts)
    found = {}
    gc.collect()
    gc.freeze()
    shares = [texts[start::12] for start in range(12)]  # each is timed once: nothing of it is kept
    for name, size, own in (("batched_ms", 16, shares[:6]), ("alone_ms", 1, shares[6:])):
        _all_of(decoder, own[0], size)
        times = [timed(partial(_all_of, decoder, s, size))[0] / len(s) for s in own[1:]]
        found[name] = 1000 * median(times)
    gc.unfreeze()
    answers = list(decoder.decode_many(texts))
    found["passes"] = sum(one.passes or 0 for one in answers) / len(answers)
    return found
