"""The page about running programs is true: its commands and its code, read out of it."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import ROOT, run

PAGE = (ROOT / "docs" / "run.md").read_text("utf-8")
COMMANDS = re.findall(r"```console\n\$ (.*?)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=[c for c, _ in COMMANDS])
def test_a_command_of_the_page(command: str, output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It prints what the page shows, from the folder of the repository."""
    monkeypatch.chdir(ROOT)
    before, _, after = command.rpartition(" | ")
    stdin = shlex.split(before)[1].encode().decode("unicode_escape") if before else None
    result = run(*shlex.split(after)[1:], stdin=stdin)
    assert (result.stdout, result.exit_code) == (output, 0)


def test_the_code_of_the_page() -> None:
    """It runs, and its comments say what it gives."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    shown = re.findall(r"^(\S.*?) +# ([(\d].*)$", code, re.MULTILINE)
    assert len(shown) == len(COMMANDS) == 3
    assert [str(eval(expression, names)) for expression, _ in shown] == [text for _, text in shown]


def test_the_page_names_every_example_s_folder() -> None:
    """Files that the page names are there."""
    named = re.findall(r"examples/[a-z_/]+(?:\.s|/)", PAGE)
    assert len(named) >= 3
    assert all(Path(ROOT / name).exists() for name in named)
