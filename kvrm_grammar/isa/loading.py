"""Loads an instruction set by its name, from a folder, or from another package.

In: ``kvrm``, a folder, or the name of an entry point of the group ``kvrm_grammar.sets``. Out: the
bound :class:`~kvrm_grammar.isa.instruction_set.InstructionSet`, the same object every time.

A folder's ``operations.py`` and ``semantics.py`` are code and are run: they are imported only from
a folder that the caller names with a path, never because a folder of that name happens to be in
the current directory.
"""

import copyreg
import importlib
import importlib.util
import sys
import tomllib
from functools import partial
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from kvrm_grammar.concurrency import once
from kvrm_grammar.errors import IsaError
from kvrm_grammar.isa.binding import bind
from kvrm_grammar.isa.definition import read_definition
from kvrm_grammar.isa.grammar import one_line
from kvrm_grammar.isa.instruction_set import InstructionSet
from kvrm_grammar.isa.schemas import models_of, params_class
from kvrm_grammar.isa.semantics import Semantics
from kvrm_grammar.resources import resource_path

__all__ = ["ENTRY_POINTS", "load_set", "packaged_sets"]

ENTRY_POINTS = "kvrm_grammar.sets"
"""Group of entry points: each names a module with ``Operation``, beside its data files."""

_GRAMMAR, _DEFINITION, _LENIENT, _OPERATIONS, _SEMANTICS = (
    "grammar.lark",
    "isa.toml",
    "lenient.toml",
    "operations.py",
    "semantics.py",
)


def load_set(source: str | Path | InstructionSet | None = None) -> InstructionSet:
    """Load an instruction set.

    Args:
        source: The name of a set that comes with the package or by an entry point; a folder with
            ``grammar.lark``, ``isa.toml`` and ``operations.py``, as a ``Path`` or as a text with a
            slash in it, or ``.``; a loaded set, which is returned; None for the packaged default.

    Returns:
        The set; the same object for the same source.

    Raises:
        IsaError: There is no such set, a file cannot be read, or its parts disagree.

    >>> [opcode.key for opcode in load_set().opcodes][:2]
    ['OP_MOV_REG_IMM', 'OP_MOV_REG_REG']
    """
    if isinstance(source, InstructionSet):
        return source
    if source is None:
        return _by_name(_default())
    if isinstance(source, Path) or source in (".", "..") or any(c in source for c in "/\\"):
        return _from_folder(Path(source).expanduser().resolve())
    return _by_name(source)


def packaged_sets() -> tuple[str, ...]:
    """Names of the sets that come with the package, sorted; their schemas are in ``sets``."""
    folders = (path.parent for path in resource_path("grammars").glob(f"*/{_GRAMMAR}"))
    return tuple(sorted(f.name for f in folders if not (f / _OPERATIONS).exists()))


def _default() -> str:
    name: str = importlib.import_module(ENTRY_POINTS).DEFAULT_SET
    return name


@once  # a set that was let go, or bound twice, would be another object, with other classes
def _by_name(name: str) -> InstructionSet:
    if name in packaged_sets():
        module = importlib.import_module(f"{ENTRY_POINTS}.{name}.{Path(_OPERATIONS).stem}")
        return _bound(resource_path(f"grammars/{name}"), module, name)
    found = entry_points(group=ENTRY_POINTS, name=name)
    if not found:
        others = sorted({*packaged_sets(), *(one.name for one in entry_points(group=ENTRY_POINTS))})
        raise IsaError(
            f"no instruction set {name!r}; known are {', '.join(others)}, and a folder is named "
            f"with a slash: ./{name}"
        )
    try:
        module = next(iter(found)).load()
        folder = Path(module.__file__).parent
    except Exception as error:  # a package of somebody else's: whatever it raises
        raise IsaError(
            f"the instruction set {name!r} cannot be imported: {one_line(error)}"
        ) from error
    return _bound(folder, module, name)


@once  # a set that was let go, or bound twice, would be another object, with other classes
def _from_folder(folder: Path) -> InstructionSet:
    if not folder.is_dir():
        raise IsaError(f"no folder {folder}: an instruction set is a folder with {_GRAMMAR}")
    return _bound(folder, _import(folder / _OPERATIONS, "the schemas"), f"{folder}/")


def _import(path: Path, what: str) -> ModuleType:
    """Run a file of a set's folder as a module of its own, once per path."""
    if not path.is_file():
        raise IsaError(f"cannot read {what} {path}: no such file")
    name = f"kvrm_grammar_set_{sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise IsaError(f"cannot import {what} {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # code of somebody else's: whatever it raises
        del sys.modules[name]
        raise IsaError(f"{what} {path} cannot be imported: {one_line(error)}") from error
    return module


def _bound(folder: Path, module: ModuleType, source: str) -> InstructionSet:
    union: Any = getattr(module, "Operation", None)
    if union is None:
        raise IsaError(f"{module.__file__} defines no Operation, the union of all schemas")
    models = models_of(union)
    if source.endswith("/"):
        for model in models:
            for one in {model, params_class(model)}:
                if one.__module__ == module.__name__:  # the refusal is everybody's
                    copyreg.pickle(one, partial(_reduced, source))
    return bind(
        _read(folder / _GRAMMAR),
        models,
        read_definition(_read(folder / _DEFINITION), str(folder / _DEFINITION)),
        dialect_data=_dialect_data(folder / _LENIENT),
        source=source,
        semantics=_semantics(module),
    )


def _semantics(module: ModuleType) -> Semantics | None:
    """What ``semantics.py`` beside the schemas says; None where there is none."""
    path = Path(str(module.__file__)).with_name(_SEMANTICS)
    if not path.is_file():
        return None
    if module.__package__:
        try:
            beside = importlib.import_module(f"{module.__package__}.{path.stem}")
        except Exception as error:  # a package of somebody else's: whatever it raises
            raise IsaError(f"the semantics {path} cannot be imported: {one_line(error)}") from error
    else:
        beside = _import(path, "the semantics")
    found = getattr(beside, "SEMANTICS", None)
    if not isinstance(found, Semantics):
        raise IsaError(f"{path} defines no SEMANTICS, of the class Semantics of kvrm_grammar.isa")
    return found


def _reduced(source: str, value: BaseModel) -> tuple[Any, ...]:
    """How a model of a folder's set is pickled: another process loads the folder first."""
    return _restored, (source, type(value).__qualname__, value.model_dump())


def _restored(source: str, name: str, fields: dict[str, Any]) -> BaseModel:
    isa = load_set(source)
    own = next(m.__module__ for m in isa.models if not m.__module__.startswith("kvrm_grammar."))
    model: type[BaseModel] = getattr(sys.modules[own], name)
    return model.model_validate(fields)


def _set_reduced(isa: InstructionSet) -> tuple[Any, ...]:
    if not isa.source:
        raise TypeError(f"the set {isa.name!r} was bound by hand and cannot be pickled")
    return load_set, (isa.source,)


copyreg.pickle(InstructionSet, _set_reduced)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise IsaError(f"cannot read {path}: {error}") from error


def _dialect_data(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise IsaError(f"{path} is not TOML: {error}") from error
