"""The proof of masks as a record: every packaged set, over two whole vocabularies of real models.

In: nothing. Out: ``benchmarks/results/masks.json``. The tests do the same and keep no figures.

    python -m tests.language.prove_sets
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.command import RESULTS, write_report
from benchmarks.qwen_vocabulary import qwen_tokenizer
from kvrm_grammar.isa import load_set, packaged_sets
from kvrm_grammar.language.constraint import build_constraint
from kvrm_grammar.language.index import compile_index
from kvrm_grammar.language.vocabulary import TokenVocabulary, read_vocabulary
from kvrm_grammar.weights.packaged_base import packaged_base_path
from kvrm_grammar.weights.tokenizer import read_tokenizer
from tests.language.independent import Oracle
from tests.language.proof import prove
from tests.language.tables import TABLES
from training.provenance import current_commit, processor

__all__ = ["main", "proof_of"]


def proof_of(name: str, vocabulary: TokenVocabulary) -> dict[str, Any]:
    """What :func:`tests.language.proof.prove` counts for a set, and seconds to build its index."""
    started = time.perf_counter()
    index = compile_index(build_constraint(load_set(name)), vocabulary)
    built = time.perf_counter()
    return {
        "set": name,
        **prove(index, vocabulary, Oracle(TABLES[name])),
        "build_s": round(built - started, 2),
        "proof_s": round(time.perf_counter() - built, 2),
    }


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns 1 where a bit differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=RESULTS / "masks.json")
    arguments = parser.parse_args(argv)
    report: dict[str, Any] = {"commit": current_commit(), "processor": processor(), "proofs": []}
    vocabularies = {
        "SmolLM2": read_vocabulary(read_tokenizer(packaged_base_path(), "the packaged base")),
        "Qwen2.5": read_vocabulary(qwen_tokenizer()),
    }
    for vocabulary, tokens in vocabularies.items():
        for name in packaged_sets():
            report["proofs"].append({"vocabulary": vocabulary, **proof_of(name, tokens)})
            print(report["proofs"][-1])
    write_report(report, arguments.output)
    return int(any(proof["differing"] for proof in report["proofs"]))


if __name__ == "__main__":
    sys.exit(main())
