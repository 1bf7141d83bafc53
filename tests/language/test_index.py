"""The token index allows exactly what leads to a text of the language; the disk never fails it."""

import errno
import importlib.metadata
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kvrm_grammar.errors import BaseModelError, TokenIndexError
from kvrm_grammar.isa import INVALID, load_set, operation_to_json
from kvrm_grammar.language import index as index_module
from kvrm_grammar.language import store
from kvrm_grammar.language.constraint import Constraint, build_constraint, finite_constraint
from kvrm_grammar.language.index import (
    MAX_STATES,
    TokenIndex,
    build_index,
    compile_index,
    count_states,
)
from kvrm_grammar.language.tokens import encode_plain
from kvrm_grammar.language.vocabulary import TokenVocabulary, read_vocabulary, vocabulary_digest

CONSTRAINT = build_constraint(load_set())
END, PADDING = 0, 99
SMALL = TokenVocabulary(
    {1: b"{", 2: b"}", 3: b'{"', 4: b'"}', 5: b"a", 6: b"aa", 7: b"a", 8: b"\xc3", 9: b"\xa9"},
    eos_token_id=END,
    size=12,
)
BRACES = Constraint(r'\{(?:"a{1,2}")?\}', "digest", 6)


def small_index(regex: str = BRACES.regex) -> TokenIndex:
    return compile_index(Constraint(regex, "digest", 6), SMALL)


def check(
    index: TokenIndex, passing: Iterable[Sequence[int]], failing: Iterable[Sequence[int]]
) -> None:
    """Walk token by token: ``passing`` ends where the end is allowed, ``failing`` breaks off."""
    for tokens in passing:
        state: int | None = index.initial_state
        for token_id in tokens:
            assert state is not None
            assert token_id in index.allowed(state)
            state = index.next_state(state, token_id)
        assert state is not None
        assert index.is_accepting(state)
        assert END in index.allowed(state)
    for tokens in failing:
        before = index.walk(tokens[:-1])
        assert before is not None, f"{tokens} fails too early"
        assert tokens[-1] not in index.allowed(before)
        assert index.next_state(before, tokens[-1]) is None


def test_every_way_to_spell_a_text_is_allowed_and_no_other() -> None:
    """Accepted, rejected, and valid but incomplete token sequences."""
    index = small_index()
    check(
        index,
        passing=[[1, 2], [3, 5, 4], [3, 6, 4], [3, 5, 5, 4], [3, 7, 5, 4]],
        failing=[[2], [5], [END], [1, 1], [1, 2, 2], [3, 4], [3, 6, 5], [3, 5, END], [1, 2, 1]],
    )
    for incomplete in ([], [1], [3], [3, 5], [3, 6]):
        state = index.walk(incomplete)
        assert state is not None
        assert not index.is_accepting(state)
        assert not index.must_stop(state)


def test_end_token_is_allowed_but_leads_nowhere() -> None:
    """In an accepting state the end is allowed; after it there is no state."""
    index = small_index()
    state = index.walk([1, 2])
    assert state is not None
    assert index.allowed(state).tolist() == [END]
    assert index.must_stop(state)
    assert index.next_state(state, END) is None
    assert index.walk([1, 2, END]) is None
    assert index.walk([END, 1]) is None


def test_may_stop_and_must_stop_are_two_things() -> None:
    """Where the text is complete but may go on, the end is one choice among others."""
    index = small_index("a{1,2}")
    state = index.walk([5])
    assert state is not None
    assert index.is_accepting(state)
    assert not index.must_stop(state)
    assert index.allowed(state).tolist() == [END, 5, 7]


def test_tokens_may_split_a_character() -> None:
    """Tokens are bytes: half an é is allowed where the other half can follow."""
    index = small_index("aé")
    check(index, passing=[[5, 8, 9]], failing=[[5, 9], [5, 8, 8], [8]])


def test_ids_outside_the_vocabulary_are_never_allowed() -> None:
    """Control tokens, gaps and a model's padding rows lead nowhere in any state."""
    index = small_index()
    for tokens in ([], [1], [3], [1, 2]):
        state = index.walk(tokens)
        assert state is not None
        for token_id in (10, 11, PADDING, 2**31):
            assert token_id not in index.allowed(state)
            assert index.next_state(state, token_id) is None


def test_allowed_is_sorted_read_only_and_computed_once() -> None:
    """Callers share one array per state, and cannot change it."""
    index = small_index()
    found = index.allowed(index.initial_state)
    assert found.tolist() == sorted(found.tolist())
    assert index.allowed(index.initial_state) is found
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 5
    with pytest.raises(TokenIndexError, match="no such state: 123456"):
        index.allowed(123456)


def test_threads_share_an_index() -> None:
    """Whoever comes first, everybody sees the same."""
    index = small_index()
    states = [index.walk(tokens) for tokens in ([], [1], [3], [3, 5], [1, 2])] * 50
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda state: index.allowed(state).tolist(), states))
    assert found[:5] * 50 == found


def test_language_that_cannot_be_spelled_is_an_error() -> None:
    """It says what is missing, and does not repeat the expression."""
    with pytest.raises(TokenIndexError, match='"z"') as caught:
        small_index("a{1,2}z{1,3}")
    assert "z{1,3}" not in str(caught.value)
    with pytest.raises(TokenIndexError):
        small_index("(?=a)a")


def test_too_many_states_are_refused_before_the_vocabulary_is_compiled() -> None:
    """The limit counts states over single bytes; a language at the limit is still compiled."""
    constraint = finite_constraint(["abc", "bcd", "cde"])
    states = count_states(constraint)
    assert states > 3
    vocabulary = TokenVocabulary({byte + 1: bytes([byte]) for byte in range(256)}, 0, 257)
    assert compile_index(constraint, vocabulary, max_states=states).walk([98, 99, 100])
    with pytest.raises(TokenIndexError, match=f"needs {states} automaton states, at most 3 are"):
        compile_index(constraint, vocabulary, max_states=3)
    assert count_states(build_constraint(load_set())) < MAX_STATES / 2


def test_a_language_whose_automaton_explodes_is_refused() -> None:
    """A short expression may need two states for every bit it must remember."""
    regex = "(?:a|b)*a" + "(?:a|b)" * 15
    with pytest.raises(TokenIndexError, match="automaton states, at most"):
        compile_index(Constraint(regex, "digest", 64), TokenVocabulary({1: b"a", 2: b"b"}, 0, 3))


def test_vocabulary_holds_what_the_tokenizer_decodes(tiny_tokenizer: Any) -> None:
    """For each token the bytes; control tokens are not in it."""
    vocabulary = read_vocabulary(tiny_tokenizer)
    assert set(range(len(tiny_tokenizer))) - set(vocabulary.tokens) == {0, 1, 2}
    assert vocabulary.eos_token_id == tiny_tokenizer.eos_token_id == 2
    assert vocabulary.size == len(tiny_tokenizer)
    for token_id, data in vocabulary.tokens.items():
        assert tiny_tokenizer.decode([token_id]) == data.decode("utf-8", "replace")
    single = {data for data in vocabulary.tokens.values() if len(data) == 1}
    assert single == {bytes([byte]) for byte in range(256)}
    for text in ('{"key":"OP_SUB"}', "aé€😀ſ\x00", "<|im_end|>"):
        spelled = b"".join(vocabulary.tokens[t] for t in encode_plain(tiny_tokenizer, text))
        assert spelled == text.encode()


def test_digest_depends_on_everything_that_matters(tiny_tokenizer: Any) -> None:
    """Bytes, IDs, the end token and the size; not on who asks."""
    one = TokenVocabulary({1: b"a", 2: b"b"}, 0, 3)
    others = [
        TokenVocabulary({2: b"a", 1: b"b"}, 0, 3),
        TokenVocabulary({1: b"a", 2: b"c"}, 0, 3),
        TokenVocabulary({1: b"a\n2:1:b"}, 0, 3),
        TokenVocabulary({1: b"a", 2: b"b"}, 3, 3),
        TokenVocabulary({1: b"a", 2: b"b"}, 0, 4),
    ]
    assert len({vocabulary.digest for vocabulary in [one, *others]}) == 6
    assert one.digest == TokenVocabulary({2: b"b", 1: b"a"}, 0, 3).digest
    assert vocabulary_digest(tiny_tokenizer) == read_vocabulary(tiny_tokenizer).digest


def with_decoder(decoder: Any) -> Any:
    from tokenizers import Tokenizer, models

    backend = Tokenizer(models.BPE({"a": 0}, []))
    if decoder is not None:
        backend.decoder = decoder
    return SimpleNamespace(backend_tokenizer=backend, eos_token_id=0)


def test_other_kinds_of_tokenizer_are_refused() -> None:
    """A kind whose bytes we would have to guess, a slow one, and one without an end."""
    from tokenizers import decoders

    for decoder in (None, decoders.Metaspace(), decoders.WordPiece(), decoders.ByteFallback()):
        with pytest.raises(TokenIndexError, match="only byte-level"):
            read_vocabulary(with_decoder(decoder))
    with pytest.raises(BaseModelError, match="not a fast tokenizer"):
        read_vocabulary(object())
    endless = with_decoder(decoders.Sequence([decoders.ByteLevel(), decoders.Fuse()]))
    assert read_vocabulary(endless).tokens == {}  # its only token is the end token
    endless.eos_token_id = None
    with pytest.raises(TokenIndexError, match="no end token"):
        read_vocabulary(endless)


def test_tokens_outside_the_byte_alphabet_are_literal(tiny_tokenizer: Any) -> None:
    """As in the decoder: a token with a raw blank stands for itself."""
    from tokenizers import Tokenizer, decoders, models

    backend = Tokenizer(models.BPE({"end": 0, "a b": 1, "Ġb": 2, "": 3}, []))
    backend.decoder = decoders.ByteLevel()
    vocabulary = read_vocabulary(SimpleNamespace(backend_tokenizer=backend, eos_token_id=0))
    assert vocabulary.tokens == {1: b"a b", 2: b" b"}
    assert vocabulary.size == 4


def test_answers_of_the_real_language_are_spelled(tiny_tokenizer: Any) -> None:
    """The tokenizer's own way to write an operation is one of the allowed ways."""
    index = build_index(CONSTRAINT, tiny_tokenizer, use_cache=False)
    tokens = encode_plain(tiny_tokenizer, operation_to_json(INVALID))
    state = index.walk(tokens)
    assert state is not None
    assert index.must_stop(state)
    assert len(tokens) < index.max_tokens == CONSTRAINT.max_length + 1
    assert index.walk(tokens[:-1] + encode_plain(tiny_tokenizer, " ")) is None


# ---- the disk cache


@pytest.fixture
def build(tiny_tokenizer: Any, cache_folder: Path) -> Callable[[], TokenIndex]:
    """Build a small index through the disk cache of this test."""
    constraint = finite_constraint(['{"a":1}', '{"b":[]}'])
    return lambda: build_index(constraint, tiny_tokenizer)


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "index").glob("*"))


def test_second_build_comes_from_disk(
    build: Callable[[], TokenIndex], cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cold, then warm: the same index, compiled once; nothing is unpickled."""
    cold = build()
    assert len(entries(cache_folder)) == 1
    monkeypatch.delattr(index_module, "compile_index")
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    warm = build()
    assert warm.index == cold.index
    assert (warm.eos_token_id, warm.vocab_size, warm.max_tokens) == (2, cold.vocab_size, 9)
    assert warm.allowed(warm.initial_state).tolist() == cold.allowed(cold.initial_state).tolist()


def test_cache_is_optional_and_its_folder_a_choice(
    tiny_tokenizer: Any, cache_folder: Path, tmp_path: Path
) -> None:
    """``use_cache=False`` writes nothing; ``cache_dir`` writes elsewhere."""
    build_index(BRACES, tiny_tokenizer, use_cache=False)
    assert not cache_folder.exists()
    build_index(BRACES, tiny_tokenizer, cache_dir=tmp_path / "elsewhere" / "deep")
    assert len(entries(tmp_path / "elsewhere" / "deep")) == 1
    assert not cache_folder.exists()


def test_other_constraint_tokenizer_or_version_is_another_entry(
    build: Callable[[], TokenIndex],
    tiny_tokenizer: Any,
    cache_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is read that was compiled for something else."""
    build()
    build_index(finite_constraint(["[]"]), tiny_tokenizer)
    assert len(entries(cache_folder)) == 2
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0.0")
    build()
    assert len(entries(cache_folder)) == 3
    monkeypatch.setattr(index_module, "_FORMAT", "another")
    build()
    assert len(entries(cache_folder)) == 4


def flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "header cut off": lambda content: content[:20],
    "payload cut off": lambda content: content[:-1],
    "half": lambda content: content[: len(content) // 2],
    "something appended": lambda content: content + b"\0",
    "bit flipped in the magic": lambda content: flip(content, 0),
    "bit flipped in the key": lambda content: flip(content, 20),
    "bit flipped in the checksum": lambda content: flip(content, 60),
    "bit flipped in the payload": lambda content: flip(content, -9),
    "another format": lambda content: content.replace(b"-1\n", b"-2\n", 1),
    "a pickle": lambda content: pickle.dumps([content]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_entry_is_built_again(
    damage: Callable[[bytes], bytes],
    build: Callable[[], TokenIndex],
    cache_folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever happened to the file: a line in the log, the right index, and a sound file."""
    good = build()
    [path] = entries(cache_folder)
    content = path.read_bytes()
    path.write_bytes(damage(content))
    assert build().index == good.index
    assert f"{path} is damaged" in caplog.text
    assert path.read_bytes() == content
    assert build().index == good.index


def test_entry_under_another_name_is_not_taken(
    build: Callable[[], TokenIndex],
    tiny_tokenizer: Any,
    cache_folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A sound file of another index is as wrong as a damaged one."""
    good = build()
    [path] = entries(cache_folder)
    build_index(finite_constraint(["[]"]), tiny_tokenizer)
    [other] = set(entries(cache_folder)) - {path}
    path.write_bytes(other.read_bytes())
    assert build().index == good.index
    assert f"{path} is damaged" in caplog.text


def test_sound_entry_with_foreign_payload_is_built_again(
    build: Callable[[], TokenIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Outlines cannot read, though the checksum holds, is compiled anew."""
    with monkeypatch.context() as patch:
        patch.setattr(index_module, "_to_binary", lambda index: b"\xffnot an index")
        good = build()
    assert build().index == good.index


def test_unusable_folder_costs_a_warning_only(
    build: Callable[[], TokenIndex], cache_folder: Path
) -> None:
    """A file stands where the folder should be."""
    cache_folder.write_text("in the way")
    with pytest.warns(RuntimeWarning) as warnings:
        index = build()
    assert index.allowed(index.initial_state).size > 0
    assert any("cannot write to the cache folder" in str(w.message) for w in warnings)


def no_space(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only(*_: object, **__: object) -> Any:
    raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize(
    ("place", "name", "failure"),
    [
        (Path, "mkdir", read_only),
        (Path, "open", read_only),
        (Path, "replace", no_space),
        (Path, "read_bytes", read_only),
    ],
)
def test_failing_disk_costs_a_warning_only(
    place: Any,
    name: str,
    failure: Callable[..., Any],
    build: Callable[[], TokenIndex],
    cache_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Read-only or full, at any step: the index is there and no half-written file stays."""
    monkeypatch.setattr(place, name, failure)
    with pytest.warns(RuntimeWarning, match=re.escape(str(cache_folder))):
        index = build()
    assert index.allowed(index.initial_state).size > 0
    assert not list(cache_folder.rglob("*.tmp"))


def test_folder_keeps_the_most_recently_used(tmp_path: Path) -> None:
    """At most ``MAX_ENTRIES``; reading counts as use; stale temporary files go."""
    stale, fresh, foreign = (tmp_path / name for name in ("a.tmp", "b.tmp", "notes.txt"))
    for path in (stale, fresh, foreign):
        path.write_text("x")
    os.utime(stale, (0, 0))
    for number in range(store.MAX_ENTRIES):
        store.write_entry(tmp_path, str(number), b"%d" % number)
        for path in tmp_path.glob("*.entry"):
            os.utime(path, (path.stat().st_mtime - 10,) * 2)  # older than what comes next
    assert store.read_entry(tmp_path, "0") == b"0"
    for number in range(100, 110):
        store.write_entry(tmp_path, str(number), b"")
    assert len(list(tmp_path.glob("*.entry"))) == store.MAX_ENTRIES
    assert store.read_entry(tmp_path, "0") == b"0"
    assert store.read_entry(tmp_path, "1") is None
    assert store.read_entry(tmp_path, "109") == b""
    assert not stale.exists()
    assert fresh.exists()
    assert foreign.exists()


def test_import_loads_no_model_library() -> None:
    """Up to the index, neither torch nor transformers nor peft is needed."""
    code = (
        "import sys, kvrm_grammar.language.index; "
        "print({'torch', 'transformers', 'peft'} & {*sys.modules})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
