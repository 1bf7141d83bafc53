"""Where lines come from: arguments, a file, standard input; and quotes that were forgotten."""

from pathlib import Path

import pytest

from kvrm_grammar.cli.inputs import forgotten_quotes, open_source
from kvrm_grammar.isa import load_set
from tests.cli.running import rows, run

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of three lines, with a byte order mark and without a last line end."""
    file = tmp_path / "code.s"
    file.write_bytes(BOM + b"HALT\r\nFOO\nNOP")
    return file


@pytest.mark.parametrize("command", ["parse", "decode"])
@pytest.mark.usefixtures("oracle")
def test_a_file_is_read_like_standard_input(command: str, source: Path) -> None:
    """``--file``, ``-f``, ``--file -`` and ``-`` give the same rows; the mark is no text."""
    data = source.read_bytes()
    results = [
        run(command, "--jsonl", "--file", str(source)),
        run(command, "--jsonl", "-f", str(source)),
        run(command, "--jsonl", "--file", "-", stdin=data),
        run(command, "--jsonl", "-", stdin=data),
    ]
    assert [row["raw"] for row in rows(results[0].stdout)] == ["HALT", "FOO", "NOP"]
    assert [row["ok"] for row in rows(results[0].stdout)] == [True, False, True]
    assert {(one.stdout, one.stderr, one.exit_code) for one in results} == {
        (results[0].stdout, "", 1)
    }


def test_lines_are_counted_for_the_bar(source: Path) -> None:
    """A file's line ends, the number of arguments; nobody knows about standard input."""
    assert open_source(None, str(source)).count() == 2
    assert open_source(["a", "b", "c"], None).count() == 3
    assert open_source(None, "/dev/null").count() is None


@pytest.mark.parametrize("command", ["parse", "decode"])
@pytest.mark.usefixtures("oracle")
def test_forgotten_quotes_are_told(command: str) -> None:
    """Words of one instruction, given as many: one line suggests what was meant."""
    result = run(command, "--jsonl", "sub", "r5", "r3", "r1")
    told = f'hint: to decode one instruction, quote it: kvrm-grammar {command} "sub r5 r3 r1"\n'
    assert result.stderr == told
    assert [row["raw"] for row in rows(result.stdout)] == ["sub", "r5", "r3", "r1"]
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("texts", "dialect", "hinted"),
    [
        (("inc", "r1"), "strict", True),
        (("mov", "r1,", "5"), "strict", True),
        (("loop:", "jmp", "$loop"), "strict", False),
        (("copy", "r1", "to", "r2"), "lenient", True),
        (("copy", "r1", "to", "r2"), "strict", False),
        (("halt", "nop"), "strict", False),
        (("halt", "r1"), "strict", False),
        (("foo", "bar"), "strict", False),
        (("foo", "bar"), "lenient", False),
        (("inc r1",), "strict", False),
        (("inc r1", "r2"), "strict", False),
        (("inc", ""), "strict", False),
        ((), "strict", False),
        (("inc", "r1 "), "strict", True),
        (("inc", "x" * 300), "strict", False),
        (("x" * 200, "x" * 200), "lenient", False),
    ],
)
def test_when_quotes_were_forgotten(texts: tuple[str, ...], dialect: str, hinted: bool) -> None:
    """Only where each argument is a word that means nothing, and together they do."""
    assert (forgotten_quotes("decode", texts, dialect, load_set()) is not None) == hinted


def test_a_hint_can_be_pasted() -> None:
    """What a shell would read into double quotes stands in single ones."""
    hint = forgotten_quotes("decode", ("jmp", "a$b"), "strict", load_set())
    assert hint is not None and hint.endswith("kvrm-grammar decode 'jmp a$b'")
