"""Nothing invented, nothing lost: the closed languages of many texts, without a model.

In: texts of known meaning of both dialects, edited and arbitrary ones. Out:
benchmarks/results/grounding.json: texts, members, operands that the text does not write, right
answers that are no members, members outside the schema, the largest language, time per text.
Whether a text writes an operand is judged by writing the operand in every spelling of the dialect's
tables and looking for one of them: apart from how mentions are found.
"""

import argparse
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.command import RESULTS, write_report
from kvrm_grammar.dialects import Dialect, find_dialect
from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.dialects.lenient.words import number_words, one_edit_from
from kvrm_grammar.errors import InputError
from kvrm_grammar.isa import InstructionSet, OperationModel, load_set
from kvrm_grammar.language.candidates import MAX_MEMBERS, Candidates
from kvrm_grammar.language.constraint import build_constraint
from training.arguments import positive_integer
from training.data.any_set import any_kinds, any_set_examples, any_set_kind
from training.data.examples import Example
from training.data.lenient import generate_lenient
from training.data.strict import generate_examples
from training.provenance import current_commit
from training.texts.lenient.lexicon import HELD_OUT_LEXICON, TRAINING_LEXICON
from training.texts.strict.words import HELD_OUT_WORDS, TRAINING_WORDS

DEFAULT_SEED = 919_191
_EDITS = "rR0123456789abcxXhH$%#@*()[]{},.:;-+= \t'\"_\u2212\u00d7\u2190\u0440\u200b"
_SHOWN = 20


def texts_of(dialect: Dialect, count: int, seed: int) -> Iterator[tuple[str, str | None]]:
    """Texts with their meaning, where it is known: of known meaning, edited, and arbitrary."""
    rng = Random(f"{dialect.name} {seed}")
    for words, lexicon, salt in (
        (TRAINING_WORDS, TRAINING_LEXICON, 0),
        (HELD_OUT_WORDS, HELD_OUT_LEXICON, 1),
    ):
        isa, half = dialect.isa, count // 2
        drawn: Iterable[Example]
        if dialect.name == "strict":
            drawn = generate_examples(half, seed + salt, words=words, isa=isa)
        elif isa is load_set():
            drawn = generate_lenient(half, seed + salt, words=words, lexicon=lexicon, isa=isa)
        elif lexicon is TRAINING_LEXICON:
            drawn = any_set_examples(half, seed + salt, isa=isa)
        else:
            each = half // len(any_kinds(isa)) + 1
            drawn = chain.from_iterable(
                any_set_kind(kind, each, seed, isa=isa) for kind in any_kinds(isa)
            )
        for example in drawn:
            yield example.text, example.answer
            if rng.random() < 0.25:
                yield _edited(example.text, rng), None
            if rng.random() < 0.1:
                yield "".join(chr(_code(rng)) for _ in range(rng.randint(0, 60))), None


def _edited(text: str, rng: Random) -> str:
    for _ in range(rng.randint(1, 4)):
        place = rng.randint(0, len(text))
        text = text[:place] + rng.choice(_EDITS) + text[place + rng.randint(0, 2) :]
    return text


def _code(rng: Random) -> int:
    """A character of any plane, often one of ASCII; no surrogate."""
    roll = rng.random()
    if roll < 0.7:
        return rng.randint(32, 126)
    code = rng.randint(0, 0x2FFFF if roll < 0.9 else 0x10FFFF)
    return code if not 0xD800 <= code < 0xE000 else 0x20


def is_written(value: str | int, text: str, dialect: Dialect) -> bool:
    """Whether a text writes a value, by looking for each of its spellings.

    Args:
        value: A register, an integer or a label.
        text: As given, of either dialect.
        dialect: Whose spellings count.
    """
    plain = _plain(text)
    is_name = isinstance(value, str) and value in dialect.isa.names
    if isinstance(value, str) and not is_name:
        return value in text or value in plain
    ways = _names(value, dialect.isa) if isinstance(value, str) else _numbers(value)
    return any(re.search(one, plain, re.IGNORECASE) for one in ways)


def is_implied(key: str, operand: str, value: str | int, text: str, dialect: Dialect) -> bool:
    """Whether words imply a value for an operand of an operation: those listed, or its names."""
    plain, data = _plain(text), lenient_data(dialect.isa)
    for row in data.implied:
        is_meant = (row.operand, row.value) == (operand, value) and (not row.of or key in row.of)
        if is_meant and row.words.search(plain):
            return True
    implying = {
        form.mnemonic.lower()
        for form in dialect.isa.by_key[key].forms
        if dict(form.implied).get(operand) == value
    }
    name = r"(?<![\w.$])(?:op_|\.)?([a-z][a-z.]*)(?![\w$])"  # bare, or with a mark in front
    # In the text as given too: a symbol in front of a word may be a letter where it is plain.
    found = (word for one in (plain, text) for word in re.findall(name, one, re.IGNORECASE))
    words = [word.lower() for word in found]
    names = {*implying, *(w.lower() for w, own in data.meant_by.items() if own.lower() in implying)}
    ends = tuple(f".{own}" for own in names)
    return any(
        own in names or one_edit_from(own, [*names]) or own.endswith(ends)
        for word in words
        for own in (word, word.rstrip("."))
    )


def _plain(text: str) -> str:
    """A text as it stands, and with what is around a remark side by side."""
    whole = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    return whole + "\n" + re.sub(r"[ \t]+", " ", re.sub(r"/\*.*?\*/", " ", whole))


def _names(name: str, isa: InstructionSet) -> Iterator[str]:
    if isa is not load_set():
        for word in (word for word, own in isa.spellings.items() if own == name):
            yield rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])"
        return
    stem, digit = name[0], name[1:]
    yield rf"(?:{stem}|reg|register)[ \t]*{digit}(?![0-9])"
    yield rf"\${digit}(?![0-9])"
    yield rf"(?:{stem}|reg|register)[ \t-]+{number_words(int(digit))}"


def _numbers(value: int) -> Iterator[str]:
    size = abs(value)
    sign = r"-[ \t]?" if value < 0 else ""
    digits = "_*".join(str(size))
    yield rf"{sign}(?<![0-9])(?:0_*)*{digits}(?![0-9])"
    yield rf"{sign}0x0*{size:x}(?![0-9a-f])"
    yield rf"{sign}0b0*{size:b}(?![01])"
    yield rf"{sign}0o0*{size:o}(?![0-7])"
    yield rf"{sign}0*{size:x}h"
    yield rf"{sign}0*{size:x}[ \t]+<"
    yield rf"{sign}\$0*{size:x}(?![0-9a-f])"
    yield rf"{sign}%0*{size:b}(?![01])"
    if size <= 100:
        negative = r"(?:(?<![a-z<-])-[ \t]?|minus[ \t]+|negative[ \t]+)" if value < 0 else ""
        for joint in "-", " ", "":
            yield negative + number_words(size, joint)
    if value == 100:
        yield "hundred"
    if 0 <= value < 0x110000:
        literal = {10: r"\\n", 9: r"\\t", 13: r"\\r", 0: r"\\0", 92: r"\\\\", 39: r"\\'"}
        yield "(?-i:'" + literal.get(value, re.escape(chr(value))) + "')"


def invented(
    operations: Iterable[OperationModel], text: str, dialect: Dialect
) -> list[tuple[str, str | int]]:
    """Operands of a language's members that its text neither writes nor implies for them."""
    seen = {
        (operation.key, name, value)
        for operation in operations
        for name, value in operation.params.model_dump().items()
    }
    written = {value: is_written(value, text, dialect) for _, _, value in seen}
    return [
        (name, value)
        for key, name, value in sorted(seen, key=str)
        if not written[value] and not is_implied(key, name, value, text, dialect)
    ]


def campaign(dialect: Dialect, count: int, seed: int) -> dict[str, Any]:
    """Ground every text, and look at every member."""
    schema = re.compile(build_constraint(dialect.isa).regex)
    candidates = Candidates(dialect.isa, dialect.shorthand)
    times: list[float] = []
    sizes: list[int] = []
    problems: dict[str, list[Any]] = {"invented": [], "lost": [], "outside": []}
    known = 0
    shown = track(
        texts_of(dialect, count, seed), description=dialect.name, console=Console(stderr=True)
    )
    for text, answer in shown:
        started = time.perf_counter()
        try:
            reading = dialect.read(text)
        except InputError:
            continue
        members = candidates.of(reading.mentions)
        times.append(time.perf_counter() - started)
        sizes.append(len(members))
        if answer is not None:
            known += 1
            if answer not in members:
                problems["lost"].append({"text": text, "answer": answer})
        outside = [one for one in members if not schema.fullmatch(one)]
        if outside:
            problems["outside"].append({"text": text, "members": outside[:3]})
        if found := invented(map(dialect.isa.parse_json, members), text, dialect):
            problems["invented"].append({"text": text, "operands": found[:3]})
    return {
        "texts": len(sizes),
        "of_known_meaning": known,
        "members": sum(sizes),
        **{name: len(rows) for name, rows in problems.items()},
        "largest_language": max(sizes),
        "largest_possible": MAX_MEMBERS,
        "median_members": median(sizes),
        "median_ms": round(1000 * median(times), 3),
        "problems": {name: rows[:_SHOWN] for name, rows in problems.items() if rows},
    }


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=positive_integer, default=50_000, help="of known meaning")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--isa", help="instruction set: a name, or a folder with a slash in it")
    parser.add_argument("--output", type=Path, help="default: by set, in benchmarks/results")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 1 where anything was invented or lost."""
    arguments = build_parser().parse_args(argv)
    isa = load_set(arguments.isa)
    report: dict[str, Any] = {"commit": current_commit(), "seed": arguments.seed, "dialects": {}}
    for name in ("strict", "lenient"):
        found = campaign(find_dialect(name, isa), arguments.count, arguments.seed)
        report["dialects"][name] = found
        print(name, {k: v for k, v in found.items() if k != "problems"}, file=sys.stderr)
    own = "grounding" if isa is load_set() else f"grounding_{isa.name}"
    write_report(report, arguments.output or RESULTS / f"{own}.json")
    every = report["dialects"].values()
    return int(any(one["invented"] + one["lost"] + one["outside"] for one in every))


if __name__ == "__main__":
    sys.exit(main())
