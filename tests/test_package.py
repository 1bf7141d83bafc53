"""The laws of the design: who imports whom, what is public, and what no module may know."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import kvrm_grammar
from kvrm_grammar.errors import KvrmError
from kvrm_grammar.isa import InstructionSet, load_set
from tests.sets import every_set

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kvrm_grammar"
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TRAINING = sorted((ROOT / "training").rglob("*.py"))

HEAVY = {"torch", "transformers", "peft", "outlines"}
# The extra "torch" is for these alone; everything else works without it.
MAY_IMPORT_HEAVY = (
    "weights.pytorch.",
    "decoding.backends.pytorch",
    "decoding.backends.head",
    "decoding.outlines.",
)
# Imports go down this list only; what stands in one entry may import each other.
WINGS = (
    {"errors", "cache", "resources", "lines", "frozen", "concurrency"},
    {"isa"},
    {"sets"},
    {"oracle"},
    {"dialects"},
    {"language"},
    {"weights"},
    {"decoding"},
    {"machine"},
    {"facade", "compat", "agreement"},
    {"serve"},
    {"batch"},
    {"cli", "__main__"},
)
# Of the answer path, these alone may ask the oracle: a draft is a guess that the model verifies.
# The machine takes the oracle's programs, whoever decoded them.
MAY_IMPORT_ORACLE = {
    "decoding.draft", "facade", "compat", "agreement", "serve", "cli", "dialects", "machine",
}  # fmt: skip
# What could be a library of its own: it knows neither instruction sets nor dialects.
GENERAL = {
    "protocol", "scoring", "acceptance", "naming", "engine", "search", "batching", "packing",
    "masks",
}  # fmt: skip
MAX_LINES = 320


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _is_typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _imports(nodes: list[ast.AST], *, at_run_time: bool = False) -> Iterator[str]:
    """Names imported anywhere below, ``a.b.c`` for ``from a.b import c``; relative ones too."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if at_run_time and _is_typing_only(node):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ["kvrm_grammar"] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)
        stack.extend(ast.iter_child_nodes(node))


@cache
def siblings(name: str) -> frozenset[str]:
    """Modules of the package that a module imports, wherever in it and for whatever reason."""
    found = {_module(imported) for imported in _imports([tree(MODULES[name])])}
    return frozenset(other for other in found if other is not None and other != name)


def _module(imported: str) -> str | None:
    """The module that an import names, or takes a name from: the longest one that exists."""
    top, *parts = imported.split(".")
    if top != "kvrm_grammar":
        return None
    for end in range(len(parts), 0, -1):
        for name in (".".join(parts[:end]), ".".join((*parts[:end], "__init__"))):
            if name in MODULES:
                return name
    return None


@cache
def ancestors(name: str) -> frozenset[str]:
    """All modules that a module needs, directly or not."""
    direct = siblings(name)
    return direct.union(*(ancestors(other) for other in direct))


def _module_level(name: str) -> set[str]:
    """Top-level packages imported when the module is: not in functions, not for types alone."""
    body = [
        node
        for node in tree(MODULES[name]).body
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    return {imported.split(".")[0] for imported in _imports(list(body), at_run_time=True)}


def test_the_laws_look_at_every_module() -> None:
    """What the laws below look at is the whole package, in all subfolders, and never nothing."""
    assert len(MODULES) >= 50
    assert {*MODULES.values()} == {*PACKAGE.rglob("*.py")}
    assert sum(len(siblings(name)) for name in MODULES) >= 120


def test_imports_have_no_cycle() -> None:
    """Modules can be put in an order in which each needs only earlier ones, types included."""
    # The package's own `__init__` names what is public, for types alone.
    graph = {name: siblings(name) for name in MODULES if name != "__init__"}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) >= graph.keys()


def wing(name: str) -> int:
    """The floor that a module stands on; the package's own ``__init__`` stands above all."""
    top = name.split(".")[0]
    return next((floor for floor, names in enumerate(WINGS) if top in names), len(WINGS))


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down_the_list(name: str) -> None:
    """Each stage is built on earlier ones alone, types included."""
    assert wing(name) < len(WINGS) or name == "__init__"
    assert [other for other in siblings(name) if wing(other) > wing(name)] == []


def test_every_wing_has_modules() -> None:
    """The list above is the package: no entry is empty, and arrows run between the wings."""
    floors = {wing(name) for name in MODULES}
    assert floors >= {*range(len(WINGS))}
    across = {(wing(a), wing(b)) for a in MODULES for b in siblings(a) if wing(a) != wing(b)}
    assert len(across) >= 20


@pytest.mark.parametrize("name", sorted(GENERAL))
def test_the_engine_knows_no_instruction_set(name: str) -> None:
    """The engine and what it is asked need errors and each other, nothing else of the package."""
    allowed = {
        "errors",
        "concurrency",
        "decoding.__init__",
        *(f"decoding.{other}" for other in GENERAL),
    }
    assert ancestors(f"decoding.{name}") <= allowed


def test_the_oracle_is_independent() -> None:
    """The reference parser and what it judges do not import each other."""
    below = {0, 1, 2, wing("oracle.reference")}
    assert {wing(other) for other in ancestors("oracle.reference")} <= below
    importers = {name for name in MODULES if any(s.startswith("oracle") for s in siblings(name))}
    assert len(importers) >= 3
    for name in importers - {"__init__"}:
        assert name.startswith("oracle") or any(
            name == one or name.startswith(one + ".") for one in MAY_IMPORT_ORACLE
        ), name
    for name in MODULES:
        if name.startswith(("language.", "weights.")):
            assert not any(other.startswith("oracle") for other in ancestors(name)), name


@pytest.mark.parametrize("name", MODULES)
def test_heavy_packages_stay_where_they_belong(name: str) -> None:
    """torch, transformers and peft are imported with a module only where a model is run."""
    found = _module_level(name) & HEAVY
    assert not found or name.startswith(MAY_IMPORT_HEAVY)


@pytest.mark.parametrize("name", MODULES)
def test_the_package_stands_alone(name: str) -> None:
    """The package never imports training, tests or benchmarks, nor itself by a dotted start."""
    top = {imported.split(".")[0] for imported in _imports([tree(MODULES[name])])}
    assert not top & {"training", "tests", "benchmarks", "conftest", "pytest", "hypothesis"}
    nodes = ast.walk(tree(MODULES[name]))
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in nodes)


def _exported(path: Path) -> list[str] | None:
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            assert isinstance(names, list | tuple)
            return list(names)
    return None


def _sorted(names: list[str]) -> list[str]:
    """Constants, then classes, then the rest, each in order, as ruff (RUF022) does."""

    def rank(name: str) -> tuple[int, str]:
        if name.isupper():
            return 0, name
        return (1, name) if name[0].isupper() else (2, name)

    return sorted(names, key=rank)


@pytest.mark.parametrize(
    "name", [n for n in MODULES if n != "__main__" and not n.endswith(".__init__")]
)
def test_public_names_are_listed(name: str) -> None:
    """``__all__`` is explicit, sorted, without duplicates, and defined in the module itself."""
    names = _exported(MODULES[name])
    assert names is not None
    assert names == _sorted(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", [n for n in MODULES if not n.startswith("__")])
def test_public_names_exist(name: str) -> None:
    """Every name in a module's ``__all__`` is there."""
    module = importlib.import_module(f"kvrm_grammar.{name}")
    assert [n for n in _exported(MODULES[name]) or [] if not hasattr(module, n)] == []


@pytest.mark.parametrize("name", kvrm_grammar.__all__)
def test_the_packages_names_resolve(name: str) -> None:
    """Every public name of the package is its module's public name; ``dir`` lists it."""
    value = getattr(kvrm_grammar, name)
    assert name in dir(kvrm_grammar)
    if name != "__version__":
        module = importlib.import_module(f"kvrm_grammar.{kvrm_grammar._MODULES[name]}")
        assert getattr(module, name) is value
        assert name in module.__all__


def test_unknown_names_are_attribute_errors() -> None:
    """The lazy package has no name but its own."""
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        kvrm_grammar.nothing  # noqa: B018
    assert sorted(kvrm_grammar._MODULES) == [n for n in kvrm_grammar.__all__ if n != "__version__"]


def test_public_names_are_typed() -> None:
    """What a type checker sees under a public name is what the program gets."""
    (block,) = [node for node in tree(MODULES["__init__"]).body if _is_typing_only(node)]
    seen = {
        alias.asname or alias.name: str(node.module)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert len(seen) >= 40
    assert seen == {n: f"kvrm_grammar.{module}" for n, module in kvrm_grammar._MODULES.items()}
    assert sorted([*seen, "__version__"]) == sorted(kvrm_grammar.__all__)
    assert kvrm_grammar.__all__ == _sorted(kvrm_grammar.__all__)


def test_operations_and_errors_are_public() -> None:
    """Whoever matches on operations or catches errors finds all of them at the top."""
    classes = {*load_set().models, *error_classes()}
    assert len(classes) >= 31
    for one in classes:
        assert getattr(kvrm_grammar, one.__name__) is one


def error_classes() -> set[type[BaseException]]:
    """All errors of the package."""
    found: list[type[BaseException]] = [KvrmError]
    for known in found:  # grows on the way
        found += [c for c in known.__subclasses__() if c.__module__ == KvrmError.__module__]
    return {*found}


def test_importing_is_light() -> None:
    """Neither the package, nor its facade, nor the index needs torch or transformers."""
    code = (
        "import sys, kvrm_grammar\n"
        "assert not [m for m in sys.modules if m.startswith('kvrm_grammar.')], 'eager'\n"
        "import kvrm_grammar.facade, kvrm_grammar.cli.info, kvrm_grammar.language.index\n"
        "import kvrm_grammar.decoding.draft, kvrm_grammar.cli.app\n"
        "kvrm_grammar.parse('halt'), kvrm_grammar.DecodeLLM(mock_mode=True).decode('halt')\n"
        "print(sorted({'torch', 'transformers', 'peft', 'outlines'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def _constants(path: Path) -> Iterator[tuple[int, str]]:
    """Strings of a module with their line, parts of f-strings too; docstrings are left out."""
    left_out = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree(path)):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """Attributes, keywords of calls, and names of a module, with their line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.value.lineno, node.arg
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id


class SetWords:
    """What only the sets themselves may name: keys, mnemonics, parameters, names, spellings."""

    def __init__(self, sets: Iterable[InstructionSet]) -> None:
        opcodes = [opcode for isa in sets for opcode in isa.opcodes]
        self.keys = {opcode.key for opcode in opcodes}
        self.any_case = {mnemonic.lower() for opcode in opcodes for mnemonic in opcode.mnemonics}
        self.parameters = {operand.name for opcode in opcodes for operand in opcode.operands}
        self.names = {word for isa in sets for word in (*isa.names, *isa.spellings)}
        self.classes = {model.__name__ for isa in sets for model in isa.models} - {"Invalid"}

    def found_in(self, text: str) -> list[str]:
        """Keys anywhere in a text, and all its words where each is a word of a set."""
        upper = text.upper()
        keys = [key for key in self.keys if re.search(rf"{key}(?![A-Z0-9_])", upper)]
        words = re.findall(r"[A-Za-z0-9_.$]+", text)
        return keys + (words if all(map(self.is_one, words)) else [])

    def is_one(self, word: str) -> bool:
        """Whether a word is one of a set; the case of mnemonics means nothing."""
        return word.lower() in self.any_case or word in self.parameters | self.names


WORDS = SetWords(every_set())
CODE = {name: path for name, path in MODULES.items() if not name.startswith("sets.")}
# The package hands the default set's operations out by name: those are names of classes.
PUBLIC = {*kvrm_grammar._NAMES["sets.kvrm.operations"]}
# Plain words that a set has too, each with where it stands and what it means there.
PLAIN_WORDS = {
    "off": "a switch of pip",
    "and": "between the last two of a list",
    "or": "between the last two of a list",
    "not": "what a message expected stands before it, what it got behind",
}
PLAIN_IDENTIFIERS = {
    "value": "what a name, a key or an operand has",
    "place": "where in a text, a list or a file something stands",
    "level": "of a warning or of the log",
    "target": "the file that is being written",
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sub", ["sub"]),
        ("Clr.Z", ["Clr.Z"]),
        ("R3", ["R3"]),
        ("fp", ["fp"]),
        ("src1, src2", ["src1", "src2"]),
        ("R0 R1 R2", ["R0", "R1", "R2"]),
        ('{"key":"OP_MOV_REG_IMM"}', ["OP_MOV_REG_IMM"]),
        ("not op_halt", ["OP_HALT"]),
        ("OP_INVALID", []),
        ("OP_", []),
        ("add a rule", []),
        ("DEST", []),
        ("", []),
    ],
)
def test_a_word_of_a_set_is_found(text: str, words: list[str]) -> None:
    """Keys within a text and lists of words are; a sentence with such a word in it is not."""
    assert WORDS.found_in(text) == words


def test_the_law_looks_at_every_set() -> None:
    """KVRM, the scaffold and the test set have all kinds of words; the refusal is everybody's."""
    assert {"OP_SUB", "OP_PLUSI", "OP_DIM"} <= WORDS.keys and "OP_INVALID" not in WORDS.keys
    assert {"sub", "clr.z", "off"} <= WORDS.any_case
    assert {"dest", "rs1", "level"} <= WORDS.parameters
    assert {"R7", "r7", "zero", "fp", "x10", "entrance"} <= WORDS.names
    assert {"MovRegImm", "Plusi", "Dim"} <= WORDS.classes
    assert len(CODE) >= 60 and {*MODULES} - {*CODE} >= {"sets.kvrm.operations"}


def test_no_module_knows_a_word_of_a_set() -> None:
    """Only `sets` and the sets' own folders name opcodes, mnemonics, registers and parameters."""
    texts = [(name, *one) for name, path in CODE.items() for one in _constants(path)]
    found = [
        (name, line, word)
        for name, line, text in texts
        for word in WORDS.found_in(text)
        if not (name == "__init__" and text in PUBLIC)
    ]
    assert len(texts) >= 500
    assert [one for one in found if one[2] not in PLAIN_WORDS] == []
    assert {*PLAIN_WORDS} == {word for _, _, word in found}  # none that is not needed


def test_no_module_uses_an_operation_or_a_parameter_of_a_set() -> None:
    """No class of a set is named or imported, and no parameter is asked for, but in `sets`."""
    used = [(name, *one) for name, path in CODE.items() for one in _identifiers(path)]
    assert len(used) >= 5000
    imported = {
        one.rsplit(".", 1)[-1]
        for name, path in CODE.items()
        if name != "__init__"
        for one in _imports([tree(path)])
    }
    assert imported & (WORDS.classes | WORDS.parameters) == set()
    found = [one for one in used if one[2] in WORDS.classes | WORDS.parameters]
    assert [one for one in found if one[2] not in PLAIN_IDENTIFIERS] == []
    assert {*PLAIN_IDENTIFIERS} == {word for _, _, word in found}


@pytest.mark.parametrize(
    "path", [*MODULES.values(), *TRAINING], ids=lambda p: f"{p.parent.name}.{p.stem}"
)
def test_modules_are_short_and_say_what_they_do(path: Path) -> None:
    """No module is longer than a sitting; each says what comes in and what goes out."""
    assert len(path.read_text(encoding="utf-8").splitlines()) < MAX_LINES
    docstring = ast.get_docstring(tree(path))
    assert docstring
    if path.stem not in {"__init__", "__main__"}:
        assert "In:" in docstring and "Out:" in docstring


@pytest.mark.parametrize("name", [name for name in MODULES if name != "__main__"])
def test_examples_in_docstrings_hold(name: str) -> None:
    """Every doctest of the package does what it says, without a model."""
    module = importlib.import_module(f"kvrm_grammar.{name}".removesuffix(".__init__"))
    assert doctest.testmod(module, verbose=False).failed == 0


@pytest.mark.parametrize(
    "name",
    [
        "oracle.reference", "isa.loading", "language.constraint", "language.index",
        "dialects.strict", "compat", "machine.execute", "machine.trace",
    ],
)  # fmt: skip
def test_entry_points_have_an_example(name: str) -> None:
    """The entry point of each stage shows its use."""
    assert ">>>" in MODULES[name].read_text(encoding="utf-8")
