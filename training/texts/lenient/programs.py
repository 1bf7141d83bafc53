"""Forms that programs and notes write: steps of one, arrows, records, sources first, ``$n``.

In: a :class:`Writing`. Out: a text in one form, or None where the meaning has no such form.
:mod:`training.texts.lenient.forms` lists them beside the others.
"""

import json
import re
from collections.abc import Mapping
from random import Random

from kvrm_grammar.dialects.lenient.data import lenient_data
from kvrm_grammar.isa import load_set
from training.texts.lenient.meaning import Writing
from training.texts.operands import kind_of
from training.texts.strict.spelling import mixed_case

__all__ = [
    "ARROWS",
    "KEYS",
    "TURNED_ARROWS",
    "arrows",
    "dollar",
    "increment",
    "joined_record",
    "record",
    "record_names",
    "reversed_order",
]

_DATA = lenient_data(load_set())
STEP_SIGNS, INFIX_SIGNS, SYNONYMS = _DATA.step_signs, _DATA.infix_signs, _DATA.synonyms
ARROWS: tuple[str, ...] = ("←", "←", "⟵", "≔", "≔", "<--")
"""What assigns, beside the signs of ASCII."""
TURNED_ARROWS: tuple[str, ...] = ("→", "→", "⟶", "⟶", "-->")
_SIGNS = {"+": ("+",), "-": ("−", "−", "-"), "*": ("×", "×", "*")}
_ONES = ("1",) * 12 + ("#1", "0x1", "0b1")
KEYS: tuple[str, ...] = ("op", "op", "op", "opcode", "operation", "key", "instr", "mnemonic")
"""What a record calls its operation."""
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "dest": ("dest", "dest", "dest", "dst", "rd"),
    "src": ("src", "src", "src", "source"),
    "src1": ("src1", "src1", "src1", "a", "lhs"),
    "src2": ("src2", "src2", "src2", "b", "rhs"),
    "value": ("value", "value", "value", "imm", "val"),
    "addr": ("addr", "addr", "addr", "target", "label"),
}


def increment(w: Writing) -> str | None:
    """INC and DEC as an assignment that adds or takes one."""
    sign = {"INC": "+", "DEC": "-"}.get(w.meaning.opcode.mnemonic)
    if sign is None:
        return None
    rng, register = w.rng, w.operand("dest")
    gap, one = rng.choice((" ", " ", " ", "")), rng.choice(_ONES)
    if one.startswith("#"):
        gap = " "  # glued, it would begin a comment
    if rng.random() < 0.45:
        return f"{register}{gap}{sign}={gap}{one}"
    assign = rng.choice((f"{gap}={gap}", f"{gap}={gap}", f" :={gap}", f"{gap}<-{gap}"))
    return f"{register}{assign}{register}{gap}{sign}{gap}{one}"


def arrows(w: Writing) -> str | None:
    """Infix and arrow forms in the signs of print."""
    rng, values, mnemonic = w.rng, w.meaning.values, w.meaning.opcode.mnemonic
    gap, arrow = rng.choice((" ", " ", " ", "")), rng.choice(ARROWS)
    if arrow == "<--":  # glued, it would be the shorter one and a sign as well
        gap = " "
    assign = f"{gap}{arrow}{gap}"
    if "dest" not in values:
        return None
    dest = w.operand("dest")
    if len(values) == 1:
        signs = {"INC": ("+",), "DEC": ("−", "-")}.get(mnemonic)
        if signs is None or rng.random() < 0.6:
            return None
        return f"{dest}{assign}{dest} {rng.choice(signs)} 1"
    if rng.random() < 0.3:
        sources = w.operands([name for name in values if name != "dest"])
        return f"{w.listed(w.name(), sources)}{gap}{rng.choice(TURNED_ARROWS)}{gap}{dest}"
    if mnemonic in INFIX_SIGNS:
        sign = rng.choice(_SIGNS[INFIX_SIGNS[mnemonic]])
        if w.meaning.in_place and sign in "−×" and rng.random() < 0.6:
            return f"{dest}{gap}{sign}={gap}{w.operand('src2')}"
        first, second = w.operands(("src1", "src2"))
        return f"{dest}{assign}{first}{gap}{sign}{gap}{second}"
    if len(values) == 2:
        source = "src" if "src" in values else "value"
        return f"{dest}{assign}{w.operand(source)}"
    return None


def record(w: Writing) -> str | None:
    """A record of fields: JSON, its relatives without quotes, and ``op=sub dest=r5``."""
    rng = w.rng
    name = w.meaning.opcode.mnemonic
    if rng.random() < 0.15:
        name = rng.choice(SYNONYMS[name])
    if "character" in w.meaning.notations:
        return None
    names = list(w.meaning.values)
    labels = record_names(w)
    pairs = [(labels[one], w.operand(one)) for one in names]
    if any(value.startswith(("=", "- ", "− ")) for _, value in pairs):
        return None
    key, style = rng.choice(KEYS), rng.random()
    if style < 0.18:
        params = {label: _json_value(value) for label, value in pairs}
        whole: dict[str, object] = {
            rng.choice(("key", "key", "op", "opcode")): w.meaning.opcode.key
        }
        if params or rng.random() < 0.6:
            whole[rng.choice(("params", "params", "args", "operands"))] = params
        tight = rng.random() < 0.5
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":") if tight else None)
    written = mixed_case(name, rng)
    if rng.random() < 0.1:
        written = "OP_" + name
    if rng.random() < 0.4:
        rng.shuffle(pairs)
    fields = [(key, written), *pairs]
    if rng.random() < 0.2:
        rng.shuffle(fields)
    return joined_record(rng, fields)


def record_names(w: Writing) -> dict[str, str]:
    """What a record calls its operands: mostly as the answer does, none like another."""
    names = list(w.meaning.values)
    plain = w.rng.random() < 0.6
    return {name: name if plain else w.rng.choice(_FIELDS[name]) for name in names}


def joined_record(rng: Random, fields: list[tuple[str, str]]) -> str:
    """Fields in one of the styles: JSON with either quotes, without any, or words with ``=``."""
    style = rng.random()
    if style < 0.35:
        colon, comma = (":", ",") if rng.random() < 0.4 else (": ", ", ")
        pairs = [f"{_json(label)}{colon}{_json(_json_value(value))}" for label, value in fields]
        text = f"{{{comma.join(pairs)}}}"  # a name that is there twice stays so
        single = rng.random() < 0.2 and "'" not in text
        return text.replace('"', "'") if single else text
    if style < 0.75 or len(fields) == 1:
        colon, comma = rng.choice((": ", ": ", ":", "=")), rng.choice((", ", ", ", ","))
        inner = comma.join(f"{label}{colon}{value}" for label, value in fields)
        pad = rng.choice(("", "", " "))
        return f"{{{pad}{inner}{pad}}}"
    gap = rng.choice((" ", " ", ", ", ","))
    return gap.join(f"{label}={value}" for label, value in fields)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json_value(text: str) -> object:
    return int(text) if re.fullmatch(r"-?(?:0|[1-9][0-9]*)", text) else text


def reversed_order(w: Writing) -> str | None:
    """MOV of a number with the number first; a ``$`` in front of it could be a register's."""
    if "value" not in w.meaning.values:
        return None
    names = ("MOV", "MOV", "MOV", *SYNONYMS["MOV"])
    value = w.operand("value")
    if value.startswith(("$", "%", "=")):
        return None
    return w.listed(mixed_case(w.rng.choice(names), w.rng), [value, w.operand("dest")])


def dollar(w: Writing) -> str | None:
    """``$n``: a register, or a hexadecimal number where the operation takes one."""
    rng, values = w.rng, w.meaning.values
    operands = w.meaning.opcode.operands
    if not operands:
        return None
    kinds = {kind_of(operand) for operand in operands}
    if "target" in kinds:
        address = values["addr"]
        if not isinstance(address, int) or address > 0xFFFFF:
            return None
        return w.listed(_own_name(w), [_hexadecimal(w, address)])
    if "immediate" in kinds:
        if rng.random() < 0.5 and 0 <= values["value"] < 2**24:
            listed = [w.operand("dest"), _hexadecimal(w, values["value"])]
        else:
            listed = [f"${values['dest'][1]}", w.operand("value")]
        if listed[0].startswith("$") == listed[1].startswith("$"):
            return None
        return w.listed(_own_name(w), listed)
    written = [f"${values[operand.name][1]}" for operand in operands]
    roll = rng.random()
    if len(written) == 3 and roll < 0.12:
        gap = rng.choice((" ", " ", ""))
        sign = INFIX_SIGNS[w.meaning.opcode.mnemonic]
        return f"{written[0]}{gap}={gap}{written[1]}{gap}{sign}{gap}{written[2]}"
    if roll < 0.2:
        return f"{w.name()}({rng.choice((', ', ',')).join(written)})"
    if len(written) == 3 and w.meaning.in_place and rng.random() < 0.5:
        del written[1]
    name = _own_name(w)
    if rng.random() < 0.6:
        return f"{name} {', '.join(written)}"
    return w.listed(name, written)


def _own_name(w: Writing) -> str:
    own = w.meaning.opcode.mnemonic
    return mixed_case(w.rng.choice((own, own, own, *SYNONYMS[own])), w.rng)


def _hexadecimal(w: Writing, value: int) -> str:
    text = format(value, "x")
    return "$" + (text.upper() if w.rng.random() < 0.5 else text)
