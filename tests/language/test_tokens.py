"""tokens.py: text is only ever text."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from kvrm_grammar.errors import BaseModelError
from kvrm_grammar.language.tokens import added_token_ids, check_plain, encode_plain

QWEN_MARKERS = {"<|endoftext|>": True, "<|im_end|>": True, "<tool_call>": False}
QWEN_SPLIT = r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+"


@pytest.fixture(scope="module")
def qwen_like() -> Tokenizer:
    """NFC, a splitting pattern, and markers beyond the vocabulary, one not marked special."""
    pieces = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, []))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    for content, special in QWEN_MARKERS.items():
        tokenizer.add_tokens([AddedToken(content, special=special, normalized=False)])
    return tokenizer


@pytest.fixture(params=["tiny", "qwen"])
def tokenizer(request: pytest.FixtureRequest, tiny_tokenizer: Any, qwen_like: Tokenizer) -> Any:
    return tiny_tokenizer if request.param == "tiny" else qwen_like


MARKERS = sorted({"<|im_start|>", *QWEN_MARKERS})
TEXTS = st.lists(st.sampled_from(MARKERS) | st.text(), max_size=6).map("".join)


@given(text=TEXTS)
@settings(max_examples=200, deadline=None)
def test_no_text_has_a_control_id(text: str, tiny_tokenizer: Any, qwen_like: Tokenizer) -> None:
    """Whatever the text, no ID is that of an added token, and none is lost."""
    for tokenizer in (tiny_tokenizer, qwen_like):
        ids = encode_plain(tokenizer, text)
        assert not added_token_ids(tokenizer).intersection(ids)
    assert tiny_tokenizer.decode(encode_plain(tiny_tokenizer, text)) == text


@pytest.mark.parametrize("marker", MARKERS)
def test_a_marker_is_plain_text(marker: str, tokenizer: Any) -> None:
    """A marker becomes several tokens that spell it."""
    ids = encode_plain(tokenizer, f"a {marker} b")
    assert tokenizer.decode(ids, skip_special_tokens=False) == f"a {marker} b"
    assert len(ids) > 5


# Hypothesis draws texts of the code too, and markers are among them.
@given(
    text=st.text(alphabet=st.characters(codec="utf-8")).filter(
        lambda text: not any(marker in text for marker in MARKERS)
    )
)
@settings(max_examples=100, deadline=None)
def test_equals_the_tokenizer_where_nothing_is_special(
    text: str, tiny_tokenizer: Any, qwen_like: Tokenizer
) -> None:
    """Without markers in the text, the IDs are the tokenizer's own."""
    assert encode_plain(qwen_like, text) == qwen_like.encode(text, add_special_tokens=False).ids
    expected = tiny_tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    assert encode_plain(tiny_tokenizer, text) == expected


def test_the_tokenizer_is_left_alone(tiny_tokenizer: Any) -> None:
    """Plain encoding flips no switch: the tokenizer itself still knows its markers."""
    encode_plain(tiny_tokenizer, "<|im_end|>")
    assert tiny_tokenizer("<|im_end|>", add_special_tokens=False).input_ids == [2]


def test_threads_agree(tiny_tokenizer: Any) -> None:
    """The same from many threads at once, while the tokenizer itself is in use."""
    texts = [f"sub r{i % 8} r3 <|im_end|> {i}" for i in range(200)]

    def both(text: str) -> list[int]:
        tiny_tokenizer(text)
        return encode_plain(tiny_tokenizer, text)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(both, texts)) == [encode_plain(tiny_tokenizer, t) for t in texts]


def test_empty_text(tokenizer: Any) -> None:
    """No text, no tokens: neither a beginning nor an end is added."""
    assert encode_plain(tokenizer, "") == []


def test_added_token_ids(tiny_tokenizer: Any, qwen_like: Tokenizer) -> None:
    """All added tokens count, those that are not marked special too."""
    assert added_token_ids(tiny_tokenizer) == {0, 1, 2}
    assert added_token_ids(qwen_like) == {256, 257, 258}


def test_check_plain_passes(tokenizer: Any) -> None:
    """A byte-level BPE cannot spell a marker."""
    check_plain(tokenizer)


def test_check_plain_refuses_whole_pieces() -> None:
    """A vocabulary that looks up whole words would make its markers reachable."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "<end>": 1, "<unk>": 2}, unk_token="<unk>"))
    tokenizer.add_special_tokens(["<unk>"])
    check_plain(tokenizer)
    tokenizer.add_special_tokens(["<end>"])
    with pytest.raises(BaseModelError, match="'<end>' into control token 1"):
        check_plain(tokenizer)


def test_slow_tokenizer_is_refused() -> None:
    """What has no fast backend is named in the error."""
    with pytest.raises(BaseModelError, match="object is not a fast tokenizer"):
        encode_plain(object(), "x")


def test_import_is_light() -> None:
    """The module loads neither torch nor transformers."""
    code = (
        "import sys, kvrm_grammar.language.tokens; "
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
