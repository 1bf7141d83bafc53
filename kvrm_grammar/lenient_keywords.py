"""Where no first word names the operation: what a draft takes a sentence for. No logic.

In: nothing. Out: patterns and mnemonics; the first pattern that occurs in a text counts.
"""

__all__ = ["KEYWORDS"]

_ONE = r"(?:one|1)"
KEYWORDS: tuple[tuple[str, str], ...] = (
    (
        rf"\+\+|\bincrement|\bcount\b.*\bup|\bup by one|\bone larger|\badd {_ONE} |\bbump (?!down)",
        "INC",
    ),
    (
        r"--|\bdecrement|\bcount\b.*\bdown|\bdown by one|\bone smaller",
        "DEC",
    ),
    (rf"\b(?:increase|raise|advance)\b.* by {_ONE}\b|\bstep up", "INC"),
    (rf"\b(?:subtract|take) {_ONE} ", "DEC"),
    (rf"\b(?:decrease|reduce|lower|cut)\b.* by {_ONE}\b|\b(?:bump|step) down", "DEC"),
    (r"\b(?:plus|add|sum|total|increase)\b|\+", "ADD"),
    (r"\b(?:minus|subtract|difference|deduct|less|decrease|remove|away|off)\b|-=", "SUB"),
    (r"\w\s*-\s*[%$]?r|\btake\b.*\bfrom\b", "SUB"),
    (r"\b(?:times|multiply|product)\b|\*", "MUL"),
    (r"\b(?:not zero|nonzero|not equal|unequal|differ|different)\b|zero flag is clear", "JNZ"),
    (r"\bzero is not set", "JNZ"),
    (
        r"\bnot (?:negative|below)|or (?:zero|more|above)\b|at least zero|sign (?:flag )?is clear",
        "JNS",
    ),
    (r"\bno sign", "JNS"),
    (r"\b(?:negative|minus|below|less than|smaller)\b|sign (?:flag )?is set", "JS"),
    (r"\b(?:if|when)\b", "JZ"),
    (r"\b(?:compare|comparison|check|test|match|see|equals)\b", "CMP"),
    (r"\b(?:jump|go|goto|branch|continue|control|proceed|skip to|hop|carry on|resume)\b", "JMP"),
    (r"\b(?:nothing|idle|wait|cycle|no op|no operation|no action|pass)\b", "NOP"),
    (r"\b(?:stop|halt|end|ends|shut|finish|terminate)\b", "HALT"),
    (r"=|<-|->|\b(?:put|place|store|write|load|stick|set|make|let|assign|gets|becomes)\b", "MOV"),
    (r"\b(?:takes|give|fill|copy|move|transfer|clear|zero|reset|empty|wipe|clean|save)\b", "MOV"),
    (r"\b(?:drop|bring|hold|contain|erase|into|preset|duplicate|blank|nullify)\b", "MOV"),
    (r"\binitiali[sz]e\b", "MOV"),
)
