"""The laws of the folders around the package: who may import whom, and what stays findable."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("training", "benchmarks", "tests")
# Arrows between folders that may be; every folder may use the package and itself.
ALLOWED = {"training": set[str](), "benchmarks": {"training"}, "tests": {"training", "benchmarks"}}
# Arrows between parts of training, in order: each may use those before it and itself.
PARTS = (
    {"arguments", "defaults"},
    {"texts"},
    {"data"},
    {"scoring", "provenance"},
    {"evaluation", "cards", "fitting"},
    {"generate_cpu_data", "train_decode", "evaluate", "average", "model_card"},
    {"leave_one_out"},
)
COMMANDS = (
    "training.average", "training.evaluate", "training.generate_cpu_data",
    "training.leave_one_out", "training.model_card", "training.train_decode",
)  # fmt: skip


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    _name(path): path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))
}


def _imports(name: str) -> Iterator[str]:
    """What a module imports, wherever in it: ``a.b.c`` for ``from a.b import c``."""
    path = MODULES[name]
    package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


@cache
def arrows(name: str) -> frozenset[str]:
    """Modules of these folders that a module imports, or takes a name from."""
    found = set()
    for imported in _imports(name):
        parts = imported.split(".")
        starts = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        found.add(next((start for start in starts if start in MODULES), name))
    return frozenset(found - {name})


def _part(name: str) -> int:
    part = name.split(".")[1] if "." in name else ""
    return next((floor for floor, names in enumerate(PARTS) if part in names), -1)


def test_the_laws_look_at_every_module() -> None:
    """What the laws below look at is all three folders, subfolders too, and never nothing."""
    counts = {folder: sum(name.startswith(f"{folder}.") for name in MODULES) for folder in FOLDERS}
    assert counts["training"] >= 35 and counts["benchmarks"] >= 12 and counts["tests"] >= 50
    assert {*MODULES.values()} == {p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py")}
    across = {
        (name.split(".")[0], other.split(".")[0]) for name in MODULES for other in arrows(name)
    }
    assert across >= {(a, b) for a in FOLDERS for b in ALLOWED[a] | {a}}
    assert sum(len(arrows(name)) for name in MODULES) >= 200


@pytest.mark.parametrize("name", MODULES)
def test_folders_import_those_below_alone(name: str) -> None:
    """training uses neither benchmarks nor tests, benchmarks no tests; in functions neither."""
    folder = name.split(".")[0]
    allowed = {folder, "kvrm_grammar", *ALLOWED[folder]}
    tops = {imported.split(".")[0] for imported in _imports(name)}
    assert tops & {*FOLDERS, "kvrm_grammar"} <= allowed
    # A module that is not there would be no arrow above, and end in an error at run time alone.
    ours = {i for i in _imports(name) if i.split(".")[0] in FOLDERS}
    assert all(any(i == m or i.startswith(f"{m}.") for m in MODULES) for i in ours)


def test_imports_have_no_cycle() -> None:
    """Modules can be put in an order in which each needs only earlier ones, functions included."""
    graph = {name: arrows(name) for name in MODULES}
    assert set(TopologicalSorter(graph).static_order()) >= graph.keys()


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("training.")])
def test_parts_of_training_import_earlier_ones(name: str) -> None:
    """Texts, then data, then scores, then evaluation and fitting, then the commands."""
    assert _part(name) >= 0, "a part that the list above does not name"
    later = [o for o in arrows(name) if o.startswith("training.") and _part(o) > _part(name)]
    assert later == []


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_stay_commands(name: str) -> None:
    """``python -m`` with ``--help`` says what a command is for: the first line of its docstring."""
    source = MODULES[name].read_text("utf-8")
    assert 'if __name__ == "__main__":' in source
    done = subprocess.run(
        [sys.executable, "-m", name, "--help"], capture_output=True, text=True, check=False,
        cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    assert first and " ".join(first.split()) in " ".join(done.stdout.split())
