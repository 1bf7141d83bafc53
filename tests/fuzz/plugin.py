"""Options, profiles, progress and report of ``pytest -m fuzz``.

In: the command line. Out: ``fuzz``, the campaign of this run, for the tests; at the end a
table by strategy, a JSON report and, where asked for, the disagreements as JSON Lines.
"""

import json
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kvrm_grammar.isa import InstructionSet, load_set
from tests.fuzz.campaign import Outcome, summary
from training.arguments import positive_integer, positive_number

__all__ = ["Campaign"]

# Examples of an ordinary property test; a campaign's are below. No deadline: the
# machines that run this are shared, and a slow example says nothing about the code.
for _profile, _examples in (("dev", 100), ("ci", 100), ("nightly", 1_000)):
    settings.register_profile(
        _profile,
        max_examples=_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("dev")

EXAMPLES = {"dev": 450, "ci": 2_250, "nightly": 20_250}
_KEY = pytest.StashKey["Campaign"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a campaign; its profile and seed are Hypothesis's own options."""
    group = parser.getgroup("fuzz", "fuzz campaigns (-m fuzz)")
    group.addoption(
        "--fuzz-examples",
        type=positive_integer,
        help="instructions in all; default by --hypothesis-profile: "
        + ", ".join(f"{name} {count:,}" for name, count in EXAMPLES.items()),
    )
    group.addoption("--fuzz-minutes", type=positive_number, help="stop decoding after these")
    group.addoption("--fuzz-save", type=Path, help="append disagreements to this JSON Lines file")
    group.addoption("--fuzz-report", type=Path, default=Path("runs/fuzz.json"), help="JSON report")
    group.addoption("--fuzz-isa", help="instruction set: a name, or a folder with a slash in it")
    group.addoption("--fuzz-adapter", type=Path, help="adapter folder; default: the packaged one")


@dataclass
class Campaign:
    """What one run fuzzes with, and what came of it. Mutable."""

    seed: int
    examples: int
    minutes: float | None
    adapter: Path | None
    isa: InstructionSet = field(default_factory=load_set)
    outcomes: list[Outcome] = field(default_factory=list)
    show: Callable[[str], None] = print

    @cached_property
    def decoder(self) -> Any:
        """The strict decoder, loaded when the first test asks."""
        from kvrm_grammar.decoding.decoder import Decoder

        return Decoder.from_pretrained(self.adapter, isa=self.isa)

    @cached_property
    def lenient_decoder(self) -> Any:
        """The packaged lenient decoder, loaded when the first test asks."""
        from kvrm_grammar.decoding.decoder import Decoder

        return Decoder.from_pretrained(dialect="lenient")

    def progress(self, outcome: Outcome) -> None:
        """One line on how far a strategy is."""
        speed = outcome.examples / outcome.seconds if outcome.seconds else 0.0
        self.show(
            f"{outcome.strategy}: {outcome.examples} decoded, {speed:.0f} a second,"
            f" {len(outcome.disagreements)} disagree"
        )


@pytest.fixture(scope="session")
def fuzz(request: pytest.FixtureRequest) -> Iterator[Campaign]:
    """The campaign of this run."""
    option = request.config.getoption
    given = option("--hypothesis-seed")
    profile = option("--hypothesis-profile") or "dev"
    campaign = Campaign(
        seed=int(given) if given not in (None, "random") else SystemRandom().randrange(10**9),
        examples=option("--fuzz-examples") or EXAMPLES.get(profile, EXAMPLES["dev"]),
        minutes=option("--fuzz-minutes"),
        adapter=option("--fuzz-adapter"),
        isa=load_set(option("--fuzz-isa")),
    )
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def show(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, file=sys.stderr, flush=True)

    campaign.show = show
    show(f"\nfuzz seed {campaign.seed} (again: --hypothesis-seed {campaign.seed})")
    request.config.stash[_KEY] = campaign
    yield campaign


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write the table, the report and the file of disagreements."""
    campaign = config.stash.get(_KEY, None)
    if campaign is None or not campaign.outcomes:
        return
    report = {"provenance": _provenance(campaign), **summary(campaign.outcomes)}
    write = terminalreporter.write_line
    terminalreporter.section(f"fuzz campaign, seed {campaign.seed}")
    write(f"{'strategy':16s}{'examples':>9s}{'valid':>10s}{'exact':>10s}  95 % interval")
    for name, row in {**report["strategies"], "all": report["all"]}.items():
        low, high = row["exact_interval_95"]
        write(
            f"{name:16s}{row['examples']:9d}{row['valid'] / row['examples']:10.3%}"
            f"{row['exact'] / row['examples']:10.3%}  {low:.3%} to {high:.3%}"
        )
    for one in report["disagreements"]:
        write(f"{one['strategy']}: {one['text']!r}")
        if one["shrunk"] is not None:
            write(f"  shrunk   {one['shrunk']!r}")
        reason = f" ({one['reason']})" if one["reason"] else ""
        write(f"  expected {one['expected']}{reason}")
        write(f"  answer   {one['answer']}")
    path: Path = config.getoption("--fuzz-report")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    write(f"report: {path}")
    saved: Path | None = config.getoption("--fuzz-save")
    if saved is not None:
        _save(saved, report["disagreements"], campaign.seed)
        write(f"disagreements appended to {saved}")


def _save(path: Path, disagreements: list[dict[str, Any]], seed: int) -> None:
    """Append, without the texts that are there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    there = path.read_text("utf-8").splitlines() if path.is_file() else []
    known = {json.loads(line)["text"] for line in there}
    with path.open("a", encoding="utf-8", newline="\n") as file:
        for one in disagreements:
            for text in dict.fromkeys([one["text"], one["shrunk"] or one["text"]]):
                if text not in known:
                    known.add(text)
                    row = {"text": text, "strategy": one["strategy"], "seed": seed}
                    file.write(json.dumps(row) + "\n")


def _provenance(campaign: Campaign) -> dict[str, Any]:
    from training.provenance import provenance

    loaded = [vars(campaign)[n] for n in ("decoder", "lenient_decoder") if n in vars(campaign)]
    rows = [(d.dialect.name, provenance(d, campaign.seed)) for d in loaded or [campaign.decoder]]
    row = rows[0][1]
    row["adapters"] = {dialect: own["adapter_sha256"] for dialect, own in rows}
    row["versions"]["hypothesis"] = version("hypothesis")
    return {
        **row,
        "examples": campaign.examples,
        "minutes": campaign.minutes,
        "machine": platform.machine(),
    }
