"""A set of two operations whose names and labels a test chooses.

In: names, what the grammar takes for them, and what it reserves. Out: the set, from a folder.
"""

import re
from pathlib import Path

from kvrm_grammar.isa import InstructionSet, load_set

__all__ = ["small_set"]

_GRAMMAR = r"""
line: instruction
source_line: (LABEL_DEF _BLANKS?)? REST?
?instruction: op_use | op_go
op_use: USE _BLANKS who
op_go: GO _BLANKS where
who: NAME
where: LABEL
USE: /[Uu][Ss][Ee]/
GO: /[Gg][Oo]/
NAME: /(?:{names})(?!{rest})/
LABEL: /(?!(?:{reserved})(?!{rest})){first}{rest}{{0,{more}}}(?!{rest})/
LABEL_DEF.1: LABEL ":"
_BLANKS: /[ ]+/
REST.-1: /[^ \r\n][^\r\n]*/
"""
_OPERATIONS = """
from pathlib import Path
from typing import Annotated, Literal
from kvrm_grammar.isa import Invalid, LabelOf, OperationModel, Params

class Who(Params):
    who: Literal[{names}]

class Where(Params):
    where: Annotated[str, LabelOf(Path(__file__).with_name("grammar.lark"))]

class Use(OperationModel):
    key: Literal["OP_USE"]
    params: Who

class Go(OperationModel):
    key: Literal["OP_GO"]
    params: Where

Operation = Use | Go | Invalid
"""


def small_set(
    folder: Path,
    names: tuple[str, ...],
    *,
    taken: str | None = None,
    reserved: str | None = None,
    first: str = "[A-Za-z_]",
    rest: str = "[A-Za-z0-9_]",
    longest: int = 5,
) -> InstructionSet:
    """Write and load a set.

    Args:
        folder: Where to write it; another one for every set.
        names: Canonical names.
        taken: What the grammar takes for a name, as an expression; None for the names alone.
        reserved: What no label is, as an expression; None for what is taken for a name.
        first: What a label begins with.
        rest: What a label goes on with.
        longest: Characters of the longest label.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = taken or "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    text = _GRAMMAR.format(
        names=taken, reserved=reserved or taken, first=first, rest=rest, more=longest - 1
    )
    (folder / "grammar.lark").write_text(text)
    (folder / "isa.toml").write_text('name = "small"\nprompt = "small"\n')
    listed = ", ".join(repr(name) for name in names)
    (folder / "operations.py").write_text(_OPERATIONS.format(names=listed))
    return load_set(folder)
