"""sharing.py: several dialects on one base, and what it can be told."""

from pathlib import Path

import pytest

from kvrm_grammar.decoding.backends.loading import BACKENDS
from kvrm_grammar.decoding.sharing import load_decoders
from kvrm_grammar.errors import InputError, ModelError

Adapters = tuple[Path, Path]


def test_no_dialect_is_an_error() -> None:
    """Nothing to load is a mistake of the caller, and told as one."""
    with pytest.raises(InputError, match="at least one dialect"):
        load_decoders({})


@pytest.mark.parametrize("backend", BACKENDS)
def test_choices_are_handed_on(backend: str, two_adapters: Adapters, cache_folder: Path) -> None:
    """Device, precision and constraint are those of every decoder."""
    adapters = dict(zip(("strict", "lenient"), two_adapters, strict=True))
    decoders = load_decoders(
        adapters,
        backend=backend,
        device="cpu",
        precision="float32",
        constraint="schema",
        progress=False,
    )
    assert [*decoders] == ["strict", "lenient"]
    for name, decoder in decoders.items():
        assert (decoder.dialect.name, decoder.constraint) == (name, "schema")
        assert (decoder.loaded.precision, str(decoder.loaded.device)) == ("float32", "cpu")
        assert hasattr(decoder.loaded, "model") == (backend == "torch")
        assert decoder.decode("halt").constraint == "schema"


def test_wrong_choices_are_told_before_loading(tmp_path: Path, two_adapters: Adapters) -> None:
    """A misspelt constraint costs no load; a device that cannot be used is named."""
    with pytest.raises(InputError, match="unknown constraint 'free'"):
        load_decoders({"strict": tmp_path / "nowhere"}, constraint="free")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="device 'no-such'"):
        load_decoders({"strict": two_adapters[0]}, device="no-such")
