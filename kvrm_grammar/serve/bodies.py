"""The bodies of requests to decode texts and programs.

In: JSON of a client. Out: checked values; a field that nobody knows is an error, never ignored.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Body", "DecodeBody", "Probability", "ProgramBody"]

_MOST = 20
_MOST_CYCLES = 100_000  # about a second

Probability = Annotated[float, Field(ge=0, le=1)]


class Body(BaseModel):
    """What a client sends: no field but those that are known. Immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DecodeBody(Body):
    """Texts to decode, one instruction each."""

    texts: list[str] = Field(min_length=1, description="One instruction each.")
    isa: str | None = Field(None, description="Instruction set; the server's, if left out.")
    dialect: str | None = Field(None, description="`strict` or `lenient`; the first served.")
    min_confidence: Probability = Field(0.0, description="Refuse what is less probable.")
    labels: dict[str, int] | None = Field(None, description="Addresses by name; null keeps names.")
    alternatives: int = Field(0, ge=0, le=_MOST, description="Most probable answers to add.")
    posterior: bool = Field(False, description="Add the distribution over all answers.")


class ProgramBody(Body):
    """A source text to decode, label definitions and comments included."""

    source: str = Field(description="Lines; labels become addresses.")
    isa: str | None = Field(None, description="Instruction set; the server's, if left out.")
    dialect: str | None = Field(None, description="`strict` or `lenient`; the first served.")
    min_confidence: Probability = Field(0.0, description="Refuse what is less probable.")
    run: bool = Field(False, description="Run it, and answer with every step.")
    max_cycles: int = Field(10_000, ge=1, le=_MOST_CYCLES, description="Steps, at most.")
    registers: dict[str, int] = Field(
        default_factory=dict, description="What registers begin with; 0, if left out."
    )
