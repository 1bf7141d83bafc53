"""Model cards: what is shipped is what the command writes from the records."""

import json
import shutil
from pathlib import Path

import pytest

from kvrm_grammar.errors import DataError
from training.model_card import main, model_card

MODELS = Path(__file__).parents[2] / "models"
ADAPTERS = tuple(sorted(folder.parent.name for folder in MODELS.glob("*/training.json")))
STRICT = "decode_llm"


@pytest.mark.parametrize("name", ADAPTERS)
def test_shipped_cards_are_made_from_their_records(name: str, tmp_path: Path) -> None:
    """Byte for byte: nobody edited a number, and no record changed since."""
    folder = tmp_path / name
    shutil.copytree(MODELS / name, folder)
    (folder / "README.md").unlink()
    assert main(["--adapter", str(folder)]) == 0
    assert (folder / "README.md").read_bytes() == (MODELS / name / "README.md").read_bytes()


def test_a_card_says_what_made_the_data(tmp_path: Path) -> None:
    """Command and commit, and how much the kept weights had seen, where the record has them."""
    folder = tmp_path / "adapter"
    shutil.copytree(MODELS / STRICT, folder)
    record = json.loads((folder / "training.json").read_text("utf-8"))
    record["data_origin"] = {"command": "python -m maker --seed 5", "commit": "0123456789ab"}
    record["kept_samples"] = 1234
    (folder / "training.json").write_text(json.dumps(record), "utf-8")
    card = model_card(folder)
    assert "| data made by | `python -m maker --seed 5` at 0123456789ab |" in card
    assert "| kept weights had seen | 1234 |" in card


def test_an_evaluation_of_other_weights_makes_no_card(tmp_path: Path) -> None:
    """Rates of one adapter are never written beside another."""
    folder = tmp_path / "adapter"
    shutil.copytree(MODELS / STRICT, folder)
    record = json.loads((folder / "evaluation.json").read_text("utf-8"))
    record["provenance"]["adapter_sha256"] = "0" * 64
    (folder / "evaluation.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(DataError, match="the evaluation is of other weights"):
        model_card(folder)


def test_a_card_says_what_is_not_known(tmp_path: Path) -> None:
    """Where the training file was not at hand, no rate stands for the texts that it lacks."""
    folder = tmp_path / "adapter"
    shutil.copytree(MODELS / STRICT, folder)
    record = json.loads((folder / "evaluation.json").read_text("utf-8"))
    record["results"]["exact_match_unseen_texts"] = None
    (folder / "evaluation.json").write_text(json.dumps(record), "utf-8")
    assert "not in the training file: not known" in model_card(folder)


def test_a_card_without_records_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on standard error and exit code 1."""
    assert main(["--adapter", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'training.json'}: ")
