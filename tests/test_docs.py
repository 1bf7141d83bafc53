"""The pages say what is there: commands, targets, modules, files; the quick starts are run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from kvrm_grammar import __version__
from kvrm_grammar.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")))
}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
WORD = "kvrm-grammar"
QUICKSTART = PAGES["docs/quickstart.md"]
README_LINES = 160


def shell_blocks(page: str) -> Iterator[str]:
    """Blocks of a page that are no Python."""
    yield from (text for kind, text in BLOCK.findall(page) if kind != "python")


def spans(page: str) -> list[str]:
    """What a page shows as code within its sentences."""
    return re.findall(r"`([^`\n]+)`", BLOCK.sub("", page))


def arguments(line: str) -> Iterator[list[str]]:
    """What stands behind each ``kvrm-grammar`` of a line, as a shell takes it apart."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = [*lexer]
    ends = [n for n, word in enumerate(words) if set(word) <= set("|;&<>()")] + [len(words)]
    for n, word in enumerate(words):
        if word == WORD or word.endswith(f"/{WORD}"):
            yield words[n + 1 : next(end for end in ends if end > n)]


@cache
def commands() -> list[tuple[str, list[str]]]:
    """Every command of a block, and its page."""
    found = []
    for name, page in PAGES.items():
        for block in shell_blocks(page):
            for line in block.replace("\\\n", " ").splitlines():
                if re.search(rf"(^|[/| ]){WORD} ", line):
                    found += [(name, one) for one in arguments(line.removeprefix("$ "))]
    return found


def parse(words: list[str]) -> None:
    """Let the command line take words apart, as far as the command that they name."""
    command: Any = typer.main.get_command(app)
    context = None
    while True:
        try:
            context = command.make_context(WORD, [*words], parent=context)
        except typer.Exit:  # --help or --version
            return
        if not hasattr(command, "resolve_command"):
            return
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        _, command, words = command.resolve_command(context, rest)
        assert command is not None


def test_the_laws_look_at_the_pages() -> None:
    """There are pages, with commands, and what is no command is found out."""
    assert len(PAGES) >= 16 and len(commands()) >= 40
    assert len({page for page, _ in commands()}) >= 8
    line = (
        """printf 'a; b\\n' | .venv/bin/kvrm-grammar run --set r1=1 - > out && kvrm-grammar info"""
    )
    assert [*arguments(line)] == [["run", "--set", "r1=1", "-"], ["info"]]
    for wrong in ("nothing", "decode --nothing a", "isa nothing", "serve --port many"):
        with pytest.raises(Exception, match=r"(?i)no such (command|option)|valid integer"):
            parse(wrong.split())


@pytest.mark.parametrize(("page", "words"), commands(), ids=lambda one: str(one)[:60])
def test_a_command_of_a_page_is_one(page: str, words: list[str]) -> None:
    """The command line takes it, every option of it included."""
    parse(words)


def test_what_sentences_name_is_there() -> None:
    """Commands, targets of make, and modules, wherever a page shows them as code."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = {*re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)}
    named = [
        (kind, name)
        for page in PAGES.values()
        for code in [*shell_blocks(page), *spans(page)]
        for kind, pattern in (
            ("target", r"(?:^|\n|; )make ([a-z-]+)"),
            ("module", r"python -m ((?:training|benchmarks|tests)[\w.]*)"),
            ("command", rf"^{WORD} ((?:isa )?[a-z-]+)"),
        )
        for name in re.findall(pattern, code)
    ]
    assert len({one for one in named if one[0] == "module"}) >= 15
    assert len({one for one in named if one[0] == "target"}) >= 8
    for kind, name in {*named}:
        if kind == "target":
            assert name in targets, name
        elif kind == "module":
            assert find_spec(name) is not None, name
        else:
            parse([*name.split(), "--help"])


def test_links_lead_somewhere() -> None:
    """To a file of the repository, where they are no address."""
    links = [
        (ROOT / name).parent / target
        for name, page in PAGES.items()
        for target in re.findall(r"\]\(([^)\s#]+)", BLOCK.sub("", page))
        if "://" not in target
    ]
    assert len(links) >= 40
    assert [path for path in links if not path.exists()] == []


def test_every_page_is_found() -> None:
    """README's table and the site's list name each; README stays one screen of each thing."""
    for path in ROOT.glob("docs/*.md"):
        assert f": {path.name}\n" in (ROOT / "mkdocs.yml").read_text("utf-8"), path.name
        assert path.name == "index.md" or f"(docs/{path.name})" in PAGES["README.md"], path.name
    assert len(PAGES["README.md"].splitlines()) <= README_LINES


def test_the_version_is_one() -> None:
    """The package's own, the distribution's, and one that the changelog has a heading for."""
    distribution = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert distribution["version"] == __version__
    assert f"\n## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.model
@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_the_quick_starts_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command and all the Python, in one folder, in their order; outputs are the page's."""
    place_command(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    ran = 0
    for kind, text in BLOCK.findall(QUICKSTART):
        if kind == "python" and "openai" not in text:
            exec(text, {})
        for command, output in shown(text) if kind == "console" else ():
            if command != f"{WORD} serve":  # tests/serve/test_docs.py
                done = subprocess.run(
                    ["sh", "-c", command], capture_output=True, text=True, check=False
                )
                assert done.returncode in (0, 1), done.stderr
                assert "error" not in done.stderr
                assert not output or done.stdout == output
                ran += 1
    assert ran >= 12


def place_command(folder: Path) -> None:
    """A ``kvrm-grammar`` of this Python, for a shell."""
    folder.mkdir()
    script = folder / WORD
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kvrm_grammar "$@"\n')
    script.chmod(0o755)


def shown(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a block, and what the page shows of its output."""
    for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = one.partition("\n")
        yield command, output
