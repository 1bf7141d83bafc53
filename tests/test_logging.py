"""One logger for the package: silent until somebody listens, then heard by its name."""

import ast
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import kvrm_grammar

PACKAGE = Path(kvrm_grammar.__file__).parent
LOGGING = [path for path in sorted(PACKAGE.rglob("*.py")) if "getLogger" in path.read_text("utf-8")]
# These speak of other loggers: the package's own from outside, and those of libraries.
BY_NAME = {"__init__", "failures", "logs", "quiet", "running"}


def test_the_package_writes_nothing_by_itself() -> None:
    """Without a handler a warning in the log does not end up on standard error."""
    code = (
        "import logging, kvrm_grammar\n"
        "logging.getLogger('kvrm_grammar.weights.pytorch.loading').warning('unheard')\n"
        "logging.basicConfig()\n"
        "logging.getLogger('kvrm_grammar.weights.pytorch.loading').warning('heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr == "WARNING:kvrm_grammar.weights.pytorch.loading:heard\n"


@pytest.mark.parametrize("path", LOGGING, ids=lambda path: path.stem)
def test_loggers_are_named_after_their_modules(path: Path) -> None:
    """So all are children of the package's one."""
    calls = [
        ast.unparse(node.args[0])
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("getLogger")
    ]
    assert calls
    assert path.stem in BY_NAME or {*calls} == {"__name__"}


def test_some_modules_log() -> None:
    """The law above looks at modules, and the package's logger has its handler."""
    assert len([path for path in LOGGING if path.stem not in BY_NAME]) >= 5
    handlers = logging.getLogger("kvrm_grammar").handlers
    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)
