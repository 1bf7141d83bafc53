"""The command ``info``: facts without a model."""

import json
from pathlib import Path

import pytest

from kvrm_grammar.dialects import DIALECTS, find_dialect
from kvrm_grammar.isa import load_set
from kvrm_grammar.resources import resource_path
from tests.cli.damage import UNUSABLE
from tests.cli.running import rows, run


def test_info_as_json(tiny_adapter: Path, tiny_base: Path, cache_folder: Path) -> None:
    """Versions, adapter, base, constraint and cache, as one JSON object."""
    result = run("info", "--json", "--adapter", str(tiny_adapter))
    (facts,) = rows(result.stdout)
    assert result.exit_code == 0
    assert facts["adapter"] == str(tiny_adapter)
    assert facts["base"] == str(tiny_base)
    assert facts["cache"] == str(cache_folder)
    assert facts["base_ready"] is False
    assert facts["opcodes"] == len(load_set().models)
    assert len(facts["adapter_sha256"]) == len(facts["constraint_digest"]) == 64
    assert {"torch", "transformers", "outlines", "lark"} <= facts["packages"].keys()
    assert not cache_folder.exists()


def test_info_as_a_table(tiny_adapter: Path, cache_folder: Path) -> None:
    """The same facts for a person."""
    facts = json.loads(run("info", "--json", "--adapter", str(tiny_adapter)).stdout)
    text = run("info", "--adapter", str(tiny_adapter)).stdout
    assert facts["constraint_digest"] in text
    assert str(tiny_adapter) in text


@pytest.mark.parametrize("damage", ["missing", "broken config", "truncated"])
def test_info_of_what_is_not_there(
    damage: str, tiny_adapter: Path, tmp_path: Path, blocked_cache: Path
) -> None:
    """Info tells what it can of a missing or damaged model and a blocked cache."""
    options = UNUSABLE[damage][0](tiny_adapter, tmp_path)
    result = run("info", "--json", *options)
    (facts,) = rows(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (facts["base"] is None) == (damage != "truncated")
    assert (facts["adapter_sha256"] is None) == (damage == "missing")
    assert run("info", *options).exit_code == 0


def test_info_of_a_dialect() -> None:
    """The packaged adapter of each dialect, by the dialect's name."""
    for name in DIALECTS:
        (facts,) = rows(run("info", "--json", "--dialect", name).stdout)
        assert facts["dialect"] == name
        assert facts["adapter"] == str(resource_path(find_dialect(name).adapter or "none"))
    assert len(DIALECTS) == 2
