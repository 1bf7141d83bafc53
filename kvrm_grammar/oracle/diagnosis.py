"""Why a line was refused: looked for after the grammar has decided, and unable to change it.

In: a line that the grammar refuses. Out: one sentence for a person. A simple tokenisation of
blanks, commas and comments; everything else is asked of the instruction set.
"""

import re
from functools import lru_cache
from itertools import pairwise

from kvrm_grammar.isa import Domain, Form, InstructionSet, Opcode, Operand
from kvrm_grammar.isa.labels import label_shape

__all__ = ["diagnose", "shown"]

_LINE_END = re.compile(r"(?:\r\n|\r|\n)\Z")


def diagnose(text: str, isa: InstructionSet, known: str | None = None) -> str:
    """Find the reason for a line that the grammar of a set, or a range, has refused.

    Args:
        text: The line; one line end after it is ignored.
        isa: The set; what its own rules say comes first.
        known: The reason, where it is known already.

    Returns:
        A sentence without a full stop.
    """
    line = _LINE_END.sub("", text)
    if "\n" in line or "\r" in line:
        return "more than one line"
    code = _code(line, isa)
    foreign = next((c for c in code if not (" " <= c <= "~" or c == "\t")), None)
    if foreign is not None:
        return f"character U+{ord(foreign):04X} is not allowed"
    label, colon, _ = re.split(r"[ \t]", code, maxsplit=1)[0].partition(":")
    if colon:
        code = _code(code[len(label) + 1 :], isa)
        if not isa.is_label(label):
            return _label(label, isa) or f"{shown(label + colon)} is not a label definition"
        if not code:
            return "a label definition alone is not an instruction"
        if _has_label_shape(code.partition(":")[0], isa) and ":" in code:
            return "more than one label definition"
    if not code:
        return "empty instruction"
    return _ruled_out(code, isa) or known or _instruction(code, isa)


def _ruled_out(code: str, isa: InstructionSet) -> str | None:
    """What a rule of the set itself says."""
    found = (reason for pattern, reason in isa.definition.refused if pattern.search(code))
    return next(found, None)


def shown(word: str) -> str:
    """A word as a reason quotes it, at most 40 characters."""
    word = word.replace("\t", "\\t")
    return word if len(word) <= 40 else word[:39] + "\N{HORIZONTAL ELLIPSIS}"


@lru_cache(maxsize=16)
def _patterns(isa: InstructionSet) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A piece of code, a block comment or what begins a comment to the end; and a word of code."""
    signs = isa.comments
    literal = r"'(?:[^'\\]|\\.)'"
    code = literal
    if signs.operand_sign:
        code += rf"|(?<=[ \t,]){re.escape(signs.operand_sign)}(?=[-+0-9'])"
    blocks = "|".join(rf"{re.escape(a)}.*?{re.escape(b)}" for a, b in signs.block) or "(?!)"
    lines = "|".join(map(re.escape, signs.line)) or "(?!)"
    piece = re.compile(rf"({code})|({blocks})|({lines})|.", re.DOTALL)
    marks = re.escape(isa.punctuation)
    other = rf"|[{marks}]" if marks else ""
    return piece, re.compile(rf",{other}|(?:{literal}|[^ \t,{marks}])+", re.DOTALL)


def _code(line: str, isa: InstructionSet) -> str:
    """Cut off comments and the blanks around the rest; a block is a blank."""
    kept = []
    for piece in _patterns(isa)[0].finditer(line.lstrip(" \t")):
        _, block, to_the_end = piece.groups()
        if to_the_end:
            break
        kept.append(" " if block else piece[0])
    return "".join(kept).strip(" \t")


def _instruction(code: str, isa: InstructionSet) -> str:
    mnemonic, *words = _patterns(isa)[1].findall(code)
    candidates = isa.by_mnemonic.get(mnemonic.upper(), isa.by_mnemonic.get(mnemonic, ()))
    if not candidates:
        return f"{shown(mnemonic)} is not a mnemonic"
    if words[:1] == [","]:
        return "comma before the first operand"
    if (",", ",") in pairwise(words):
        return "double comma"
    if words[-1:] == [","]:
        return "comma after the last operand"
    words = [word for word in words if word != "," and word not in isa.punctuation]
    return _operands(candidates, words, isa)


def _operands(
    candidates: tuple[tuple[Opcode, Form], ...], words: list[str], isa: InstructionSet
) -> str:
    mnemonic = candidates[0][1].mnemonic
    counts = sorted({len(form.operands) for _, form in candidates})
    if len(words) not in counts:
        wanted = " or ".join(str(count or "no") for count in counts)
        plural = "" if counts == [1] else "s"
        return f"{mnemonic} takes {wanted} operand{plural}, got {len(words)}"
    fitting = [one for one in candidates if len(one[1].operands) == len(words)]
    for place, word in enumerate(words):
        operands = [_operand_at(opcode, form, place) for opcode, form in fitting]
        if not any(operand.pattern.fullmatch(word) for operand in operands):
            phrases = dict.fromkeys(_phrase(operand, isa) for operand in operands)
            expected = f"{mnemonic} takes {' or '.join(phrases)} as operand {place + 1}"
            return _operand(word, operands, isa) or f"{expected}, got {shown(word)}"
    return "not an instruction of this dialect"


def _operand_at(opcode: Opcode, form: Form, place: int) -> Operand:
    name = form.operands[place]
    return next(operand for operand in opcode.operands if operand.name == name)


def _phrase(operand: Operand, isa: InstructionSet) -> str:
    nouns = dict(isa.definition.nouns)
    return nouns.get(operand.name) or _kind(operand.domain)


def _kind(domain: Domain) -> str:
    parts = []
    if domain.names:
        parts.append("a register")
    if domain.integers is not None:
        unsigned = domain.has_labels and domain.integers.low >= 0
        parts.append("an unsigned address" if unsigned else "an immediate")
    if domain.has_labels:
        parts.append("a label")
    return " or ".join(parts)


def _operand(word: str, operands: list[Operand], isa: InstructionSet) -> str | None:
    """Name what is wrong with the word itself; None where it only is of the wrong kind."""
    if any(operand.domain.has_labels for operand in operands) and (reason := _label(word, isa)):
        return reason
    every = (operand for opcode in isa.opcodes for operand in opcode.operands)
    if any(operand.pattern.fullmatch(word) for operand in every):
        return None
    names = next((operand.domain.names for operand in operands if operand.domain.names), ())
    if names and (reason := _register(word, names)):
        return reason
    return _number(word) if any(o.domain.integers is not None for o in operands) else None


def _register(word: str, names: tuple[str, ...]) -> str | None:
    stems = {re.escape(name.rstrip("0123456789")) for name in names}
    if not re.fullmatch(rf"(?:{'|'.join(sorted(stems))})-?[0-9]+", word, re.IGNORECASE):
        return None
    known = f" ({names[0]}\N{EN DASH}{names[-1]})" if len(stems) == 1 else ""
    return f"{shown(word)} is not a register{known}"


def _has_label_shape(word: str, isa: InstructionSet) -> bool:
    return isa.label_pattern is not None and bool(_shape(isa).fullmatch(word))


@lru_cache(maxsize=16)
def _shape(isa: InstructionSet) -> re.Pattern[str]:
    return label_shape(isa.label_pattern or re.compile("(?!)"))


def _label(word: str, isa: InstructionSet) -> str | None:
    if not _has_label_shape(word, isa) or isa.is_label(word):
        return None
    lengths = (domain.label_max_length for domain in isa.domains)
    limit = max((length for length in lengths if length is not None), default=0)
    if len(word) > limit:
        return f"label of {len(word)} characters, at most {limit} are allowed"
    return f"{shown(word)} is reserved for registers and cannot be a label"


def _number(word: str) -> str | None:
    if re.fullmatch(r"#?[+-]?0[0-9]+", word):
        return f"{shown(word)} has leading zeros"
    if re.match(r"#?'", word):
        return f"{shown(word)} is not a character literal"
    if re.match(r"#?[+-]?[0-9]", word):
        return f"{shown(word)} is not an integer"
    return None
