"""All that decoding a text costs beside the model, in Python.

In: a tokenizer, a dialect and texts. Out: milliseconds a text, alone and in batches, with a
backend that agrees with every draft in no time. :mod:`benchmarks.parts` runs it as a process of
its own, ``python -m benchmarks.python_cost``: no decode has torch and Outlines around it.
"""

import argparse
import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from benchmarks.command import add_isa
from benchmarks.movement import texts_of
from benchmarks.timing import timed
from kvrm_grammar.decoding.decoder import Decoder
from kvrm_grammar.decoding.pipeline import Pipeline
from kvrm_grammar.dialects import DIALECTS, Dialect, find_dialect
from kvrm_grammar.isa import load_set, operation_to_json
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.weights.tokenizer import PlainTokenizer
from training.arguments import positive_integer

__all__ = ["Agreeing", "measure_python", "python_alone"]


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
    is loaded already is not searched for garbage.
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


def python_alone(
    tokenizer: Any, dialect: str, count: int, seed: int, isa: str | None = None
) -> dict[str, float]:
    """Measure in a new process.

    Args:
        tokenizer: With ``backend_tokenizer`` and ``eos_token_id``.
        dialect: Its name.
        count: How many fresh texts.
        seed: Of the texts.
        isa: The set's name or folder; None for the packaged one.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"
        tokenizer.backend_tokenizer.save(str(file))
        command = [
            sys.executable, "-m", "benchmarks.python_cost", str(file), str(tokenizer.eos_token_id),
            "--dialect", dialect, "--count", str(count), "--seed", str(seed),
            *(() if isa is None else ("--isa", isa)),
        ]  # fmt: skip
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def build_parser() -> argparse.ArgumentParser:
    """The command line of that process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_isa(parser)
    parser.add_argument("tokenizer", type=Path, help="a tokenizer.json")
    parser.add_argument("end", type=int, help="its end token")
    parser.add_argument("--dialect", choices=[*DIALECTS], required=True)
    parser.add_argument("--count", type=positive_integer, required=True)
    parser.add_argument("--seed", type=int, required=True)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    isa = load_set(arguments.isa)
    tokenizer = PlainTokenizer(Tokenizer.from_file(str(arguments.tokenizer)), arguments.end)
    texts = texts_of(arguments.dialect, arguments.count, arguments.seed, isa)
    json.dump(measure_python(tokenizer, find_dialect(arguments.dialect, isa), texts), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
