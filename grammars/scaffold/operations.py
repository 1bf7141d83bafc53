"""The operations of the set, as JSON: one model for each key, and their union.

This file is code. It is imported when somebody names its folder (`--isa ./FOLDER`,
`load_set("./FOLDER")`), and never otherwise.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from kvrm_grammar.isa import Invalid, LabelOf, OperationModel, Params

# What an operand may be: names, whole numbers from … to … (`multiple_of=` for steps), labels
# as the grammar spells them, or a union of these.
Lamp = Literal["hall", "kitchen", "porch"]
Level = Annotated[int, Field(ge=0, le=100)]
Line = Annotated[int, Field(ge=0, le=999)]
Label = Annotated[str, LabelOf(Path(__file__).with_name("grammar.lark"))]


class OneLamp(Params):
    """The operands of OP_ON. Their names are those of the grammar's rules."""

    lamp: Lamp


class LampAndLevel(Params):
    """The operands of OP_DIM, in the order in which the JSON has them."""

    lamp: Lamp
    level: Level


class Place(Params):
    """The operand of OP_AGAIN: a line of the program, or its label."""

    place: Line | Label


class On(OperationModel):
    """Switches a lamp on."""

    key: Literal["OP_ON"]
    params: OneLamp


class Dim(OperationModel):
    """Sets a lamp to a level in percent."""

    key: Literal["OP_DIM"]
    params: LampAndLevel


class Again(OperationModel):
    """Goes on from a place in the program."""

    key: Literal["OP_AGAIN"]
    params: Place


# Every set has the refusal: it is the answer for everything that is no instruction.
Operation = Annotated[On | Dim | Again | Invalid, Field(discriminator="key")]
