"""forking.py: what a fork copies of OpenVINO is never freed there, and all of it as ever here."""

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from kvrm_grammar.decoding.backends.openvino import OpenVinoBackend
from kvrm_grammar.weights.export.forking import kept_in_forks
from kvrm_grammar.weights.export.loading import load_exported
from tests.forked import TIMEOUT_S, in_a_fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not fork")


class Native:
    """Stands for an object that must not be freed in a child."""


def used(adapter: Path) -> OpenVinoBackend:
    """A backend that has run: its graph has threads, and a request."""
    backend = OpenVinoBackend(load_exported(adapter, precision="float32"))
    backend.hidden(np.array([[5, 77, 200]]), np.arange(3)[None], None, np.array([[0, 2]]))
    return backend


def test_freed_here_and_kept_in_a_child() -> None:
    """Dropped by the last that refers to it, an object is gone in this process alone."""
    native = [kept_in_forks(Native())]
    seen = weakref.ref(native[0])

    def dropped() -> bool:
        native.clear()
        return seen() is None

    assert not in_a_fork(dropped)
    assert dropped()


def test_garbage_is_collected_in_a_child(
    tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph that only garbage refers to when the process forks does not stop the child."""
    monkeypatch.setenv("KVRM_GRAMMAR_CACHE", str(tmp_path / "cache"))
    gc.disable()
    try:
        loop: list[object] = [used(tiny_adapter)]
        loop.append(loop)
        del loop
        assert in_a_fork(gc.collect) > 0
    finally:
        gc.enable()


_ENDS = """
import os, sys
from pathlib import Path
import numpy as np
from kvrm_grammar.decoding.backends.openvino import OpenVinoBackend
from kvrm_grammar.weights.export.loading import load_exported

backend = OpenVinoBackend(load_exported(sys.argv[1], precision="float32"))
inputs = np.array([[5, 77, 200]]), np.arange(3)[None], None, np.array([[0, 2]])
backend.hidden(*inputs)
child = os.fork()
if child:
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
backend.hidden(*inputs)
print("answered")
"""


def test_a_child_ends(tiny_adapter: Path, tmp_path: Path) -> None:
    """A child that computed ends as any process does, and not by ``os._exit`` alone."""
    environment = {**os.environ, "KVRM_GRAMMAR_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", _ENDS, str(tiny_adapter)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            pytest.fail("the forked process does not end")
    assert (output, process.returncode) == ("answered\n", 0)
