"""docs/serve.md and the quick start: what asks the server is run against the real one."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kvrm_grammar.serve.settings import KEY_VARIABLE
from tests.serve.standing import ROOT, WAIT_S, Standing, stand, started

PAGE = (ROOT / "docs/serve.md").read_text("utf-8")
QUICKSTART = (ROOT / "docs/quickstart.md").read_text("utf-8")
KEY = "a key of this test"
SUB = '{"key":"OP_SUB","params":{"dest":"R5","src1":"R3","src2":"R1"}}'


def blocks(page: str, kind: str) -> list[str]:
    """All blocks of one language."""
    return re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


COMMANDS = blocks(PAGE, "sh")

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def real() -> Iterator[Standing]:
    """``kvrm-grammar serve`` with both dialects."""
    with started([sys.executable, "-m", "kvrm_grammar", "serve", "--port", "0"]) as standing:
        yield standing


def asked(command: str, port: int) -> Any:
    """What a shell gets, as JSON."""
    here = command.replace("localhost:8000", f"127.0.0.1:{port}")
    assert here != command
    environment = {**os.environ, KEY_VARIABLE: KEY, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        ["sh", "-c", here], capture_output=True, text=True, check=True, env=environment,
        timeout=WAIT_S,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_the_page_has_commands() -> None:
    """Every route that is asked by people has a line."""
    assert len(COMMANDS) >= 6
    for route in ("/health", "/v1/decode", "/v1/programs", "/v1/models", "/v1/chat/completions"):
        assert any(route in command for command in COMMANDS)


@pytest.mark.model
def test_every_curl_line_does_what_the_page_says(real: Standing) -> None:
    """Its answer is what the page describes."""
    found = {command: asked(command, real.port) for command in COMMANDS}
    assert not any("error" in answer for answer in found.values())
    health, decode, lenient, program, run_of, models, chat = found.values()
    assert health["status"] == "ok"
    assert [row["ok"] for row in decode["results"]] == [True, False]
    assert decode["results"][1]["reason"] == "ADD takes 3 operands, got 2"
    assert lenient["results"][0]["posterior"]["fields"]["key"]
    assert program["ok"] and program["labels"] == {"again": 0}
    assert run_of["run"]["end"]["registers"]["R1"] == 0 and run_of["run"]["cycles"] == 7
    assert len(models["data"]) == 2
    content = json.loads(chat["choices"][0]["message"]["content"])
    assert content["key"] == "OP_SUB"


def test_the_curl_line_with_a_key_brings_it() -> None:
    """Where the server wants one: with it the models, without it the reason."""
    (command,) = [one for one in COMMANDS if KEY_VARIABLE in one]
    without = re.sub(r" -H \S*authorization[^\n]*", "", command, flags=re.IGNORECASE)
    assert KEY_VARIABLE not in without
    with stand(key=KEY) as standing:
        assert len(asked(command, standing.port)["data"]) == 2
        assert asked(without, standing.port)["error"]["code"] == "invalid_api_key"


@pytest.mark.model
def test_the_quick_start_s_curl_line_is_answered(real: Standing) -> None:
    """With the operation of its text."""
    (command,) = blocks(QUICKSTART, "sh")
    (row,) = asked(command, real.port)["results"]
    assert {name: row[name] for name in ("key", "params")} == json.loads(SUB)


@pytest.mark.model
@pytest.mark.parametrize("page", [PAGE, QUICKSTART], ids=["serve", "quickstart"])
def test_the_openai_client_s_code_gives_what_its_comment_says(page: str, real: Standing) -> None:
    """Its last line is the answer."""
    pytest.importorskip("openai")
    (code,) = [text for text in blocks(page, "python") if "openai" in text]
    here = code.replace("127.0.0.1:8000", f"127.0.0.1:{real.port}")
    assert here != code and code.rstrip().endswith(SUB)
    names: dict[str, Any] = {}
    exec(here, names)
    assert names["done"].choices[0].message.content == SUB


def test_the_limits_of_the_page_are_the_codes() -> None:
    """The numbers in the prose are those of the settings."""
    from kvrm_grammar.serve.settings import Limits

    limits = Limits()
    for words in (
        f"({limits.max_queue:,})", f"{limits.max_texts} texts", f"{limits.max_lines:,} lines",
        f"{limits.window_ms:g} ms",
        f"{limits.max_posteriors} texts with", f"{limits.max_answers:,} answers",
        f"within {limits.answer_s:g} s", f"more than {limits.body_s:g} s",
        f"{limits.max_body_bytes >> 20} MiB",
    ):  # fmt: skip
        assert words in " ".join(PAGE.split()), words
