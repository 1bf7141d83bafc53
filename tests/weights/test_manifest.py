"""manifest.py and checksums.py: an adapter says what it was trained for, and is what it was."""

import json
import shutil
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, replace
from pathlib import Path
from typing import Any

import pytest

from kvrm_grammar.errors import AdapterError
from kvrm_grammar.resources import resource_path
from kvrm_grammar.weights.adapter import read_adapter
from kvrm_grammar.weights.checksums import compare_checksums, update_checksum, write_checksums
from kvrm_grammar.weights.manifest import Manifest, read_manifest, write_manifest
from kvrm_grammar.weights.pytorch.loading import load_model, load_models

DIGEST, OTHER = "0" * 64, "f" * 64
STRICT = Manifest("kvrm", DIGEST, "strict", 1, None)
LENIENT = Manifest("kvrm", DIGEST, "lenient", 2, 0.98)


@pytest.fixture
def adapter(tiny_adapter: Path, tmp_path: Path) -> Path:
    """A copy of the tiny adapter, with checksums, that a test may change."""
    folder = Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))
    write_checksums(folder)
    return folder


@pytest.mark.parametrize("manifest", [STRICT, LENIENT, replace(LENIENT, set_digest="")], ids=str)
def test_what_is_written_is_read(manifest: Manifest, adapter: Path) -> None:
    """A manifest survives the file, and the adapter carries it and is still whole."""
    write_manifest(adapter, manifest)
    assert read_manifest(adapter) == read_adapter(adapter).manifest == manifest
    assert json.loads((adapter / "kvrm.json").read_text()) == asdict(manifest)
    assert "kvrm.json" in (adapter / "SHA256SUMS").read_text()


def test_a_folder_without_a_manifest_still_loads(adapter: Path) -> None:
    """What was trained before there were manifests, or by other tools, says nothing."""
    assert read_manifest(adapter) is None
    assert read_adapter(adapter).manifest is None
    assert load_model(adapter).manifest is None


def test_a_loaded_model_carries_its_own_manifest(two_adapters: tuple[Path, Path]) -> None:
    """Alone or on a shared base, each adapter's manifest stays with it."""
    folders = [Path(shutil.copytree(f, f.parent / f"{f.name}-told")) for f in two_adapters]
    for folder, manifest in zip(folders, (STRICT, LENIENT), strict=True):
        write_manifest(folder, manifest)
    assert load_model(folders[1]).manifest == LENIENT
    assert [one.manifest for one in load_models(folders)] == [STRICT, LENIENT]
    assert load_model(None, base=read_adapter(folders[0]).base_name).manifest is None


def test_a_manifest_is_a_value() -> None:
    """It cannot be changed, and equal ones are one."""
    with pytest.raises(FrozenInstanceError):
        STRICT.dialect = "lenient"  # type: ignore[misc]
    twin = replace(LENIENT, dialect="strict", prompt_version=1, min_confidence=None)
    assert len({STRICT, twin}) == 1 < len({STRICT, LENIENT})


MALFORMED: dict[str, tuple[Any, str]] = {
    "a list": ([], "list, not a JSON object"),
    "no set": ({"dialect": "strict", "prompt_version": 1, "min_confidence": None}, "lacks 'set'"),
    "no confidence": ({"set": "s", "dialect": "d", "prompt_version": 1}, "lacks 'min_confidence'"),
    "empty set": ({**asdict(STRICT), "set": ""}, "set is '', not the name"),
    "set of numbers": ({**asdict(STRICT), "set": 7}, "set is 7"),
    "short digest": ({**asdict(STRICT), "set_digest": "ab"}, "set_digest is 'ab', not 64"),
    "digest of letters": ({**asdict(STRICT), "set_digest": "z" * 64}, "set_digest is 'zzz"),
    "no digest": ({**asdict(STRICT), "set_digest": None}, "set_digest is None"),
    "dialect of nothing": ({**asdict(STRICT), "dialect": None}, "dialect is None"),
    "version zero": ({**asdict(STRICT), "prompt_version": 0}, "prompt_version is 0, not a whole"),
    "version true": ({**asdict(STRICT), "prompt_version": True}, "prompt_version is True"),
    "version 1.0": ({**asdict(STRICT), "prompt_version": 1.0}, "prompt_version is 1.0"),
    "confidence 2": ({**asdict(STRICT), "min_confidence": 2}, "min_confidence is 2, not a number"),
    "confidence NaN": ({**asdict(STRICT), "min_confidence": float("nan")}, "min_confidence is nan"),
    "confidence true": ({**asdict(STRICT), "min_confidence": True}, "min_confidence is True"),
    "of a later version": ({**asdict(STRICT), "soup": 3}, "does not know 'soup'"),
}


@pytest.mark.parametrize(("value", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_manifest_is_refused(value: Any, message: str, adapter: Path) -> None:
    """The error names the file, the field and its value."""
    (adapter / "SHA256SUMS").unlink()
    (adapter / "kvrm.json").write_text(json.dumps(value))
    with pytest.raises(AdapterError, match=message) as caught:
        read_adapter(adapter)
    assert str(adapter / "kvrm.json") in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{", b"[" * 100_000], ids=len)
def test_a_manifest_that_is_no_json_is_refused(content: bytes, adapter: Path) -> None:
    """Whatever stands there instead of JSON, the error names the file."""
    (adapter / "SHA256SUMS").unlink()
    (adapter / "kvrm.json").write_bytes(content)
    with pytest.raises(AdapterError, match=r"kvrm\.json"):
        read_adapter(adapter)
    (adapter / "kvrm.json").unlink()
    (adapter / "kvrm.json").mkdir()
    with pytest.raises(AdapterError, match=r"kvrm.json cannot be read \("):
        read_adapter(adapter)


def test_a_missing_digest_and_an_unused_field_are_harmless(adapter: Path) -> None:
    """The digest may be left out; a later version's field without a value changes nothing."""
    (adapter / "SHA256SUMS").unlink()
    fields = {**asdict(LENIENT), "soup": None}
    del fields["set_digest"]
    (adapter / "kvrm.json").write_text(json.dumps(fields))
    assert read_manifest(adapter) == replace(LENIENT, set_digest="")


@pytest.mark.parametrize("field", ["set", "dialect"])
def test_a_wrong_manifest_is_not_written(field: str, adapter: Path) -> None:
    """What could not be read back cannot be made."""
    with pytest.raises(AdapterError, match=f"{field} is '', not the name"):
        Manifest(**{**asdict(STRICT), field: ""})


DIFFERENCES: dict[str, tuple[dict[str, Any], str]] = {
    "set": ({"set_name": "rv32im"}, "set 'kvrm', not 'rv32im'; pass --isa kvrm, or train"),
    "dialect": ({"dialect": "lenient"}, "'strict', not 'lenient'; pass --dialect strict, or an"),
    "digest": ({"set_digest": OTHER}, f"its digest is {DIGEST}, this one's is {OTHER}; train it"),
    "prompt": ({"prompt_version": 3}, "version 1 of the prompt, not 3; train it again"),
}


@pytest.mark.parametrize(("change", "message"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_names_both_values(change: dict[str, Any], message: str) -> None:
    """Each field that differs is an AdapterError that says what to do; none is none."""
    same: dict[str, Any] = {
        "set_name": "kvrm",
        "set_digest": DIGEST,
        "dialect": "strict",
        "prompt_version": 1,
    }
    STRICT.check(**same)
    with pytest.raises(AdapterError, match=message) as caught:
        STRICT.check(**{**same, **change}, folder="models/mine")
    assert str(caught.value).startswith("models/mine was trained")


@pytest.mark.parametrize(("recorded", "used"), [("", OTHER), (DIGEST, "")])
def test_a_digest_that_is_not_recorded_is_not_compared(recorded: str, used: str) -> None:
    """An empty digest on either side says nothing."""
    replace(STRICT, set_digest=recorded).check("kvrm", used, "strict", 1)


# --- checksums ---------------------------------------------------------------------------


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b" ")


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "another manifest": lambda f: _append(f / "kvrm.json"),
    "no manifest": lambda f: (f / "kvrm.json").unlink(),
    "other weights": lambda f: _append(f / "adapter_model.safetensors"),
    "another config": lambda f: _append(f / "adapter_config.json"),
    "a line too many": lambda f: (f / "SHA256SUMS").write_text(
        (f / "SHA256SUMS").read_text() + f"{DIGEST}  more\n"
    ),
    "a line twice": lambda f: (f / "SHA256SUMS").write_text((f / "SHA256SUMS").read_text() * 2),
    "a line too few": lambda f: (f / "SHA256SUMS").write_text(
        (f / "SHA256SUMS").read_text().split("\n", 1)[1]
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_the_checksums_cover_the_manifest(damage: Callable[[Path], Any], adapter: Path) -> None:
    """A change of any of the three files, or of the checksums, refuses the adapter."""
    write_manifest(adapter, STRICT)
    compare_checksums(adapter)
    damage(adapter)
    with pytest.raises(AdapterError, match="is damaged"):
        read_adapter(adapter)


def test_a_manifest_that_is_not_listed_is_refused(adapter: Path) -> None:
    """A manifest put beside checksums that do not know it could be another adapter's."""
    (adapter / "kvrm.json").write_text(json.dumps(asdict(STRICT)))
    with pytest.raises(AdapterError, match=r"is damaged.*\(kvrm.json\)"):
        read_adapter(adapter)


def test_writing_a_manifest_hides_no_damage(adapter: Path) -> None:
    """Its line alone is written anew: weights that were damaged before are still found to be."""
    _append(adapter / "adapter_model.safetensors")
    write_manifest(adapter, STRICT)
    with pytest.raises(AdapterError, match=r"is damaged.*\(adapter_model.safetensors\)"):
        read_adapter(adapter)


def test_no_checksums_are_made_where_there_were_none(adapter: Path) -> None:
    """A folder of another tool gets a manifest and nothing else."""
    (adapter / "SHA256SUMS").unlink()
    write_manifest(adapter, STRICT)
    update_checksum(adapter, "kvrm.json")
    assert not (adapter / "SHA256SUMS").exists()
    assert read_adapter(adapter).manifest == STRICT


def test_line_ends_of_the_checksums_do_not_matter(adapter: Path) -> None:
    """A checkout that turned their line ends is not damaged."""
    path = adapter / "SHA256SUMS"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_adapter(adapter).config["peft_type"] == "LORA"


def test_weights_that_cannot_be_read_are_named(
    adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without checksums: the file, the reason, and what to do; not "damaged"."""
    weights, open_path = adapter / "adapter_model.safetensors", Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self == weights:
            raise PermissionError(13, "Permission denied", str(self))
        return open_path(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AdapterError) as caught:
        load_model(adapter)
    assert f"{weights} cannot be read (Permission denied); make it readable" in str(caught.value)
    (adapter / "SHA256SUMS").unlink()
    weights.unlink()
    weights.symlink_to("/proc/self/mem")  # a file that opens and cannot be mapped
    if weights.is_file():
        with pytest.raises(AdapterError, match=r"safetensors cannot be read .*make it readable"):
            load_model(adapter)


@pytest.mark.parametrize(
    ("folder", "dialect", "confidence"),
    [("models/decode_llm", "strict", None), ("models/decode_llm_lenient", "lenient", 0.98)],
)
def test_the_shipped_adapters_say_what_they_are_for(
    folder: str, dialect: str, confidence: float | None
) -> None:
    """Both carry a manifest that their checksums cover."""
    manifest = read_adapter(resource_path(folder)).manifest
    assert manifest is not None
    assert (manifest.set, manifest.dialect, manifest.prompt_version) == ("kvrm", dialect, 1)
    assert manifest.min_confidence == confidence
    assert "kvrm.json" in (resource_path(folder) / "SHA256SUMS").read_text()
