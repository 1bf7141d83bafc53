"""Exit codes and help: what a script and a person are told."""

import io

import pytest
import typer

import kvrm_grammar
from kvrm_grammar import errors
from kvrm_grammar.cli.failures import ENVIRONMENT, REFUSED, USAGE, failures
from tests.cli.running import run


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["parse", "HALT"], 0),
        (["parse", "HALT", "NOP"], 0),
        (["parse", "FOO"], 1),
        (["parse", "HALT", "FOO", "NOP"], 1),
        (["parse", "--jsonl", "FOO"], 1),
        (["parse", ""], 1),
        (["parse", "x" * 257], 1),
        (["parse"], 2),
        (["parse", "--nothing", "HALT"], 2),
        (["decode"], 2),
        (["decode", "--batch-size", "0", "HALT"], 2),
        (["decode", "--batch-size", "x", "HALT"], 2),
        (["parse", "--file", "/no/such/file.s"], 2),
        (["parse", "--file", "/", "--jsonl"], 2),
        (["parse", "--file", "code.s", "HALT"], 2),
        (["parse", "--output", "/no/such/folder/out", "HALT"], 2),
        (["parse", "--isa", "nothing", "HALT"], 2),
        (["decode", "--isa", "nothing", "HALT"], 2),
        (["decode", "--alternatives", "0", "HALT"], 2),
        (["decode", "--precision", "float8", "HALT"], 2),
        (["decode", "--method", "magic", "HALT"], 2),
        (["info", "--dialect", "casual"], 2),
        (["decode-program"], 2),
        (["decode-program", "/no/such/file.s"], 2),
        (["decode-program", "/"], 2),
        (["decode-program", "--reference", "--dialect", "lenient", "-"], 2),
        (["decode-program", "--reference", "--min-confidence", "0.5", "-"], 2),
        (["decode-program", "--reference", "--constraint", "schema", "-"], 2),
        (["decode-program", "--reference", "--adapter", "x", "-"], 2),
        (["no-such-command"], 2),
        ([], 2),
        (["--help"], 0),
        (["-h"], 0),
        (["decode", "--help"], 0),
        (["--version"], 0),
    ],
    ids=str,
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    """0: all decoded. 1: some refused or failed. 2: not understood, or a file is not there."""
    assert run(*arguments).exit_code == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["parse"], "give at least one instruction"),
        (["decode"], "give at least one instruction"),
        (["decode-program", "/no/such/file.s"], "/no/such/file.s: No such file or directory"),
        (["decode-program", "/"], "/: Is a directory"),
        (["decode-program", "--reference", "--dialect", "lenient", "-"], "no parser reads"),
        (["decode-program", "--reference", "--device", "cpu", "-"], "uses no model"),
        (["parse", "--nothing"], "No such option"),
        (["parse", "--file", "a.s", "HALT"], "not both"),
        (["parse", "--file", "/no/a.s"], "/no/a.s cannot be read: No such file or directory"),
        (["parse", "--output", "/no/b", "HALT"], "/no/b cannot be written: No such file"),
        (["decode", "--isa", "z80", "HALT"], "z80"),
        (["decode", "--batch-size", "0", "HALT"], "--batch-size"),
    ],
    ids=str,
)
def test_usage_errors_are_told_on_standard_error(arguments: list[str], message: str) -> None:
    """A command that was not understood prints no result, and says what is wrong."""
    result = run(*arguments)
    assert result.stdout == ""
    assert message in result.stderr


def test_help_names_the_defaults() -> None:
    """What an option does when it is left out is said, and not lost as markup."""
    text = " ".join(run("decode", "--help").stdout.replace("│", "").split())
    assert "(default: the packaged one)" in text
    assert "(default: the adapter's)" in text
    assert "(default: 16, and 1 where a person types)" in text


def test_help_names_every_command() -> None:
    """The overview has each command with a sentence."""
    text = run("--help").stdout
    for name in ("decode", "decode-program", "run", "parse", "info", "setup"):
        assert f" {name} " in text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ModelError("x"), ENVIRONMENT),
        (errors.BaseModelError("x"), ENVIRONMENT),
        (errors.AdapterError("x"), ENVIRONMENT),
        (errors.TokenIndexError("x"), ENVIRONMENT),
        (errors.ConstraintError("x"), ENVIRONMENT),
        (errors.IsaError("x"), ENVIRONMENT),
        (errors.InputError("x"), USAGE),
        (errors.DecodeError("x"), REFUSED),
        (errors.ProgramError("x"), REFUSED),
        (errors.MachineError("x"), REFUSED),
        (errors.SemanticsError("x"), ENVIRONMENT),
        (PermissionError(13, "x", "some/file"), ENVIRONMENT),
        (OSError("x"), ENVIRONMENT),
        (ModuleNotFoundError("x", name="torch"), ENVIRONMENT),
    ],
    ids=repr,
)
def test_errors_and_their_codes(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kind of error is one line on standard error, with the file's name, and its code."""
    with pytest.raises(typer.Exit) as caught, failures():
        raise error
    assert caught.value.exit_code == code
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.startswith("error: ") and stderr.count("\n") == 1
    assert str(getattr(error, "filename", None) or "") in stderr


@pytest.mark.parametrize("error", [ZeroDivisionError(), ModuleNotFoundError(name="kvrm_grammar.x")])
def test_a_bug_is_not_hidden(error: Exception) -> None:
    """What nobody foresaw keeps its traceback."""
    with pytest.raises(type(error)), failures():
        raise error


def test_standard_error_that_is_full_or_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be told, the exit code still tells."""

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    for stream in (None, Full()):
        monkeypatch.setattr("sys.stderr", stream)
        with pytest.raises(typer.Exit) as caught, failures():
            raise errors.ModelError("x")
        assert caught.value.exit_code == ENVIRONMENT


def test_the_version() -> None:
    """``--version`` is the package's, on standard output alone."""
    result = run("--version")
    assert (result.stdout, result.stderr) == (f"kvrm-grammar {kvrm_grammar.__version__}\n", "")


@pytest.mark.parametrize(
    "command", [[], ["decode"], ["parse"], ["decode-program"], ["run"], ["setup"]]
)
def test_help_names_the_exit_codes(command: list[str]) -> None:
    """Each command's help ends with what its exit codes mean."""
    text = " ".join(run(*command, "--help").stdout.split())
    assert "Exit codes: 0 all decoded; 1 some refused or failed; 2 usage" in text
    assert "3 model, adapter, cache or output cannot be used" in text


def test_completion_is_on() -> None:
    """A shell can be taught to complete."""
    assert "--install-completion" in run("--help").stdout
