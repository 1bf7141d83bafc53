"""Examples in files: written, read, and named where they are malformed."""

import json
from pathlib import Path

import pytest

from kvrm_grammar.errors import DataError
from training.data.examples import Example, read_examples, write_examples
from training.data.files import file_digest
from training.data.strict import generate_examples

HALT = '{"key":"OP_HALT","params":{}}'


def test_the_format_is_chat_messages_as_json_lines(tmp_path: Path) -> None:
    """One ASCII line per example: a user message with the text, an assistant's with the JSON."""
    examples = [*generate_examples(60, seed=2), Example("caf\u00e9 \u2028\n", HALT, ("made",))]
    file = tmp_path / "data.jsonl"
    assert write_examples(file, examples) == file_digest(file)
    lines = file.read_bytes().decode("ascii").split("\n")
    assert lines.pop() == ""
    for line, example in zip(lines, examples, strict=True):
        assert json.loads(line) == {
            "messages": [
                {"role": "user", "content": example.text},
                {"role": "assistant", "content": example.answer},
            ],
            "kinds": list(example.kinds),
        }
    assert read_examples(file) == examples


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"messages": [{"content": "halt"}, {"content": HALT}]},
            Example("halt", HALT, ()),
        ),
        (
            {"messages": [{"role": "system", "content": "x"}, {"content": "?"}, {"content": HALT}]},
            Example("?", HALT, ()),
        ),
        (
            {"messages": [{"content": "a\u2028b"}, {"content": HALT}], "kinds": ["k"]},
            Example("a\u2028b", HALT, ("k",)),
        ),
    ],
)
def test_files_of_others_can_be_read(row: object, expected: Example, tmp_path: Path) -> None:
    """Kinds and a system message are optional; Unicode need not be escaped."""
    file = tmp_path / "data.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_examples(file) == [expected]


def _pair(user: object, assistant: object) -> bytes:
    return json.dumps({"messages": [{"content": user}, {"content": assistant}]}).encode()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "Expecting property name"),
        (b"", "Expecting value"),
        (b"[]", "list indices"),
        (b"5", "not subscriptable"),
        (b"{}", "no 'messages'"),
        (b'{"messages": []}', "not enough values"),
        (b'{"messages": [{"content": "halt"}]}', "not enough values"),
        (b'{"messages": [{}, {}]}', "no 'content'"),
        (b'{"messages": ["a", "b"]}', "string indices"),
        (b"\xff\xfe\xfd", "codec can't decode"),
        (_pair(5, HALT), "an instruction is text, got 5"),
        (_pair(None, HALT), "an instruction is text, got None"),
        (_pair("halt", None), "must be str"),
        (_pair("halt", "halt"), "not an operation"),
        (_pair("halt", '{"key":"OP_NO","params":{}}'), "not an operation"),
        (_pair("inc r9", '{"key":"OP_INC","params":{"dest":"R9"}}'), "not an operation"),
        (_pair("halt", '{"key": "OP_HALT", "params": {}}'), "is not canonical JSON"),
        (_pair("halt", '{"params":{},"key":"OP_HALT"}'), "is not canonical JSON"),
    ],
    ids=ascii,
)
def test_malformed_lines_are_named(line: bytes, message: str, tmp_path: Path) -> None:
    """A line that is not a text with a canonical answer is an error with file and line number."""
    file = tmp_path / "data.jsonl"
    file.write_bytes(_pair("halt", HALT) + b"\n" + line + b"\n" + _pair("nop", HALT) + b"\n")
    with pytest.raises(DataError, match=message) as caught:
        read_examples(file)
    assert str(caught.value).startswith(f"{file}:2: ")


@pytest.mark.parametrize("name", ["nowhere.jsonl", ""])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    """No file, or a folder: the error says what makes one."""
    with pytest.raises(DataError, match=r"does not exist; make it with training/generate_cpu_data"):
        read_examples(tmp_path / name)
