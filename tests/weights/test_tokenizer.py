"""tokenizer.py: the tokenizer as transformers reads it, or an error that names the base."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.errors import BaseModelError
from kvrm_grammar.language.tokens import added_token_ids, decode_plain, encode_plain
from kvrm_grammar.weights.tokenizer import read_tokenizer

TEXTS = (
    "sub r5 r3 r1",
    "",
    '{"key":"OP_SUB","params":{"dest":"R1"}}',
    "<|im_end|><|endoftext|>",
    "caf\u00e9 \u2028 \ud7ff \U0001f600",
    "a\x00b\nc\t  ",
)


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    """A copy of the tiny base that a test may damage."""
    return Path(shutil.copytree(tiny_base, tmp_path / "base"))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_as_transformers_reads_it(tiny_base: Path, tiny_tokenizer: Any) -> None:
    """The same IDs for any text, the same texts, the same size and end token."""
    own = read_tokenizer(tiny_base, "tiny")
    assert len(own) == len(tiny_tokenizer)
    assert own.eos_token_id == tiny_tokenizer.eos_token_id
    assert added_token_ids(own) == added_token_ids(tiny_tokenizer)
    for text in TEXTS:
        ids = encode_plain(own, text)
        assert ids == encode_plain(tiny_tokenizer, text)
        assert decode_plain(own, ids) == text
        assert not added_token_ids(own).intersection(ids)
    numbers = list(range(len(own)))
    assert decode_plain(own, numbers) == decode_plain(tiny_tokenizer, numbers)


def test_the_vocabulary_is_the_same(tiny_base: Path, tiny_tokenizer: Any) -> None:
    """Every token has the ID that it has in transformers."""
    backend = read_tokenizer(tiny_base, "tiny").backend_tokenizer
    assert backend.get_vocab(with_added_tokens=True) == tiny_tokenizer.get_vocab()


def test_an_end_token_as_older_versions_write_it(base: Path) -> None:
    """A token described by an object is found by its content."""
    path = base / "tokenizer_config.json"
    edit(path, eos_token={"content": "<|endoftext|>", "special": True})
    assert read_tokenizer(base, "x").eos_token_id == 0


def test_an_end_token_beside_the_configuration(base: Path) -> None:
    """Older tokenizers name it in a file of special tokens."""
    edit(base / "tokenizer_config.json", eos_token=None)
    (base / "special_tokens_map.json").write_text('{"eos_token": "<|endoftext|>"}')
    assert read_tokenizer(base, "x").eos_token_id == 0


def test_one_is_shared_until_its_files_change(base: Path) -> None:
    """So that several adapters of a base hold one vocabulary."""
    first = read_tokenizer(base, "x")
    assert read_tokenizer(base, "x") is first
    edit(base / "tokenizer_config.json", eos_token="<|endoftext|>")
    second = read_tokenizer(base, "x")
    assert second is not first and second.eos_token_id == 0


def test_added_tokens_count(base: Path) -> None:
    """Tokens that were added behind the vocabulary belong to the size."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens([f"<extra{number}>" for number in range(7)])
    before = len(read_tokenizer(base, "x"))
    tokenizer.save_pretrained(base)
    assert len(read_tokenizer(base, "x")) == before + 7 == len(tokenizer)


def _looked_up(folder: Path) -> None:
    """A vocabulary of whole words, from which a control token can be spelled."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {"<unk>": 0, "<|im_end|>": 1, "mov": 2}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(["<unk>", "<|im_end|>"])
    backend.save(str(folder / "tokenizer.json"))


CONFIG = "tokenizer_config.json"
DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no file": (lambda f: (f / "tokenizer.json").unlink(), "cannot be read"),
    "empty file": (lambda f: (f / "tokenizer.json").write_bytes(b""), "cannot be read"),
    "broken file": (lambda f: (f / "tokenizer.json").write_text("{"), "cannot be read"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").write_text("{}"), "cannot be read"),
    "other bytes": (lambda f: (f / "tokenizer.json").write_bytes(b"\xff\xfe"), "cannot be read"),
    "short file": (
        lambda f: (f / "tokenizer.json").write_bytes((f / "tokenizer.json").read_bytes()[:900]),
        "cannot be read",
    ),
    "no configuration": (lambda f: (f / CONFIG).unlink(), "has no end token"),
    "broken configuration": (lambda f: (f / CONFIG).write_bytes(b"\xff{"), "has no end token"),
    "list as configuration": (lambda f: (f / CONFIG).write_text("[]"), "has no end token"),
    "no end token": (lambda f: edit(f / CONFIG, eos_token=None), "has no end token"),
    "empty end token": (lambda f: edit(f / CONFIG, eos_token={}), "has no end token"),
    "end token is a number": (lambda f: edit(f / CONFIG, eos_token=2), "has no end token"),
    "unknown end token": (lambda f: edit(f / CONFIG, eos_token="<end>"), "has no end token"),
    "words": (_looked_up, "turns the text '<.im_end.>' into control token 1"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged(damage: Callable[[Path], Any], message: str, base: Path) -> None:
    """Every damage is a BaseModelError."""
    damage(base)
    with pytest.raises(BaseModelError, match=message):
        read_tokenizer(base, "the base")


def test_errors_name_the_base(base: Path) -> None:
    """The name that was given is in the message."""
    edit(base / CONFIG, eos_token=None)
    with pytest.raises(BaseModelError, match="tokenizer of my/base has no end token"):
        read_tokenizer(base, "my/base")


def test_threads_share_one(tiny_base: Path) -> None:
    """Several threads at once encode as one does."""
    own = read_tokenizer(tiny_base, "tiny")
    texts = [f"mov r{number}, {number * 7}" for number in range(50)]
    expected = [encode_plain(own, text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: encode_plain(own, text), texts)) == expected
