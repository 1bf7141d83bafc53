"""One check of arguments for every command: ranges, and messages that show the value."""

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from training import arguments
from training.arguments import fresh_seed, integer_from, positive_integer, positive_number, share
from training.defaults import EVALUATION_SEED, TRAINING_SEEDS

_TRAINED_ON = str(TRAINING_SEEDS["lenient"])


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (positive_integer, "1", 1),
        (positive_integer, "20", 20),
        (integer_from(0), "0", 0),
        (integer_from(2), "2", 2),
        (integer_from(-3), "-3", -3),
        (positive_number, "0.5", 0.5),
        (positive_number, "3", 3.0),
        (share, "0", 0.0),
        (share, "1", 1.0),
        (share, "0.25", 0.25),
        (fresh_seed, str(EVALUATION_SEED), EVALUATION_SEED),
    ],
)
def test_what_is_in_the_range_is_read(read: Callable[[str], Any], text: str, value: float) -> None:
    """Both ends of a range are in it."""
    found = read(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (positive_integer, "0", "must be at least 1, got 0"),
        (positive_integer, "-1", "must be at least 1, got -1"),
        (positive_integer, "1.5", "must be an integer, got '1.5'"),
        (positive_integer, "", "must be an integer, got ''"),
        (integer_from(2), "1", "must be at least 2, got 1"),
        (positive_number, "0", "must be above 0 and finite, got 0"),
        (positive_number, "-0.1", "must be above 0 and finite, got -0.1"),
        (positive_number, "nan", "must be above 0 and finite, got nan"),
        (positive_number, "inf", "must be above 0 and finite, got inf"),
        (positive_number, "x", "must be a number, got 'x'"),
        (share, "1.01", "must be between 0 and 1, got 1.01"),
        (share, "-0.1", "must be between 0 and 1, got -0.1"),
        (share, "nan", "must be between 0 and 1, got nan"),
        (share, "half", "must be a number, got 'half'"),
        (fresh_seed, _TRAINED_ON, f"{_TRAINED_ON} makes the training data"),
        (fresh_seed, "x", "must be an integer, got 'x'"),
    ],
)
def test_what_is_outside_is_refused_by_name(
    read: Callable[[str], Any], text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The option, the value and what is wanted; exit code 2."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--option", type=read)
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args([f"--option={text}"])
    assert f"argument --option: {message}" in capsys.readouterr().err


def test_every_type_is_tested() -> None:
    """A type that is added is tested above."""
    tested = {fresh_seed, integer_from, positive_integer, positive_number, share}
    assert {getattr(arguments, name) for name in arguments.__all__} == tested
