"""Near misses of what stands around an instruction: remarks, bare labels, a listing's columns.

In: a :class:`Fault`. Out: a text with one of them in which no whole instruction of this machine
stands. :mod:`training.texts.lenient.refused` lists them beside the other faults.
"""

from collections.abc import Sequence
from random import Random

from training.texts.lenient import context
from training.texts.lenient import refused_notations as templates
from training.texts.lenient.fault import Fault, halves, instruction
from training.texts.lenient.refused_forms import GAPS, other_operands
from training.texts.strict.spelling import mixed_case

__all__ = ["bare_label_fault", "listing_fault", "remark_fault"]


def remark_fault(f: Fault) -> str:
    """A remark beside an instruction that is not whole, or around one that is."""
    rng = f.rng
    said = context.remark_text(rng, f.isa.names, f.words, f.lexicon)
    part, rest = halves(f)
    whole, roll = instruction(f), rng.random()
    dashes, gap = rng.choice(("--", "@")), rng.choice(GAPS)
    if roll < 0.3:
        return context.remark(part, said, rng)
    if roll < 0.45:  # what is missing stands in the remark
        said = rng.choice((f"{rest} of course", f"with {rest}", f"use {rest}", f"{rest} here"))
        return context.remark(part, said, rng)
    if roll < 0.57:
        return f"{part}{gap}" + rng.choice((f"/* {rest} */", f"{dashes} {rest}"))
    if roll < 0.68:
        return rng.choice((f"{dashes} {whole}", f"/* {whole} */", f"{dashes} {said}: {whole}"))
    if roll < 0.75:
        return rng.choice((f"({said})", f"/* {said} */", f"-- {said}", f"@ {said}"))
    if roll < 0.82:
        return rng.choice((f"({said}) {part}", f"/* {said} */ {part}"))
    if roll < 0.91:
        name = mixed_case(rng.choice(f.lexicon.operations), rng)
        return context.remark(f.listed(name, other_operands(f)), said, rng)
    first, blank, behind = whole.partition(" ")
    if blank:  # the operands are the remark
        return f"{first} " + rng.choice((f"/* {behind} */", f"-- {behind}", f"@ {behind}"))
    return context.remark(part, said, rng)


def bare_label_fault(f: Fault) -> str:
    """A label without a colon before what is no whole instruction; or two of them."""
    rng = f.rng
    label, other = (context.bare_label(rng, f.words) for _ in range(2))
    part, _ = halves(f)
    gap, roll = rng.choice(GAPS), rng.random()
    if roll < 0.25:
        return f"{label}{gap}{other} {instruction(f)}"
    if roll < 0.55:
        return f"{label}{gap}{part}"
    if roll < 0.67:
        return f"{label}{gap}{f.listed('', f.registers(rng.choice((1, 1, 2, 3))))}"
    if roll < 0.78:
        meaning = f.meaning(operands=0)
        more = [*f.operands(meaning), *f.registers(1)]
        more += f.registers(1) if len(more) == 3 and "value" not in meaning.values else []
        if len(meaning.values) == 2 or len(more) != 3:
            return f"{label}{gap}{f.listed(f.name(meaning), more)}"
    if roll < 0.9:
        name = rng.choice(("inc", "dec", "INC", "DEC", "mov", "MOV"))
        bad = [rng.choice(templates.BAD_REGISTERS)]
        return f"{label}{gap}{f.listed(name, bad + ['5'] * (name.lower() == 'mov'))}"
    name = mixed_case(rng.choice(f.lexicon.operations), rng)
    return f"{label}{gap}{f.listed(name, other_operands(f))}"


def listing_fault(f: Fault) -> str:
    """A line of a listing with another machine's operation, half an instruction, or none."""
    rng = f.rng
    roll = rng.random()
    if roll < 0.45:
        name = mixed_case(rng.choice(f.lexicon.operations), rng)
        return context.listing(f.listed(name, other_operands(f)), rng)
    if roll < 0.65:
        return context.listing(halves(f)[0], rng)
    if roll < 0.85:
        return _only_bytes(rng, f.words)
    name = mixed_case(rng.choice(("ADD", "SUB", "MUL", "INC", "DEC", "CMP")), rng)
    bad = rng.choice(templates.BAD_REGISTERS)
    return context.listing(f.listed(name, [bad, *f.registers(rng.randint(0, 2))]), rng)


def _only_bytes(rng: Random, words: Sequence[str]) -> str:
    start, code = context.address(rng), context.code_bytes(rng)
    return rng.choice(
        (
            f"{start}  {code}",
            f"{start}\t{code}",
            f"{start} {code} {context.code_bytes(rng)}",
            f"{start} <{rng.choice(words)}>:",
            f"{start}  {code}  .word 0x{rng.randrange(2**32):08x}",
            f"{start}  {code}  ; {rng.choice(words)}",
            f"{start}  {code}  ...",
            f"{start}  {code}  {rng.choice(('???', '(bad)', '<unknown>', 'undefined'))}",
        )
    )
