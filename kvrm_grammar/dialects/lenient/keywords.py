"""Where no first word names the operation: what a draft takes a sentence for. No logic.

In: nothing. Out: patterns and mnemonics; the first pattern that occurs in a text counts.
"""

__all__ = ["KEYWORDS"]

_ONE = r"(?:one|1)"
_IF = (
    r"(?=.*\b(?:if|when|whenever|provided|providing|in case|assuming|supposing|once (?!more)"
    r"|condition|given that|long as|in the event|is it so|only)\b)"
)
KEYWORDS: tuple[tuple[str, str], ...] = (
    (
        rf"{_IF}.*(?:(?:\bnot?|n't|\bnon).*(?:negative|minus|below|less|sign)|zero or |or zero\b"
        r"|at least|s(?:ign)?(?:f| flag| bit)? is (?:clear|off|0|false|down|not))",
        "JNS",
    ),
    (rf"{_IF}.*(?:negative|minus|below|less|lower|under|smaller|\bsign|\bsf?\b)", "JS"),
    (
        rf"{_IF}.*(?:\bnot\b|n't|non-?zero|differ|unequal|clear|\boff\b|false|but zero"
        r"|other than|is 0\b|disagree)",
        "JNZ",
    ),
    (rf"^{_IF}.*(?:zero|equal|same|match|agree|identical|\bz\b|\bzf\b|nothing)", "JZ"),
    (
        rf"\b(?:decreas|lower|reduc|shrink|diminish|drop|down|subtract|minus|deduct)\w*\b.*\b{_ONE}\b"
        rf"|\b{_ONE} (?:is subtracted|less|lower|smaller|fewer|down)",
        "DEC",
    ),
    (
        rf"\b{_ONE} (?:more|higher|bigger|greater|up)\b|successor"
        rf"|\b(?:plus|up|elevate|lift|extend|raise|advances?|grows?|step)\b.*\b{_ONE}\b",
        "INC",
    ),
    (r"\b(?:flags|versus|vs|weigh|against|discard)\b", "CMP"),
    (
        rf"\+\+|\bincrement|\bcount\b.*\bup|\bup by one|\bone larger|\badd {_ONE} |\bbump (?!down)",
        "INC",
    ),
    (
        r"--|\bdecrement|\bcount\b.*\bdown|\bdown by one|\bone smaller",
        "DEC",
    ),
    (r"\b(?:plus|add|sum|total|increase)\b|\+", "ADD"),
    (r"\b(?:minus|subtract|difference|deduct|less|decrease|remove|away|off)\b|-=", "SUB"),
    (r"\w\s*-\s*[%$]?r|\btake\b.*\bfrom\b", "SUB"),
    (r"\b(?:times|multiply|product)\b|\*", "MUL"),
    (
        r"\bnot (?:negative|below)|or (?:zero|more|above)\b|at least zero|sign (?:flag )?is clear",
        "JNS",
    ),
    (r"\b(?:compare|comparison|check|test|match|see|equals)\b", "CMP"),
    (r"\b(?:jump|go|goto|branch|continue|control|proceed|skip to|hop|carry on|resume)\b", "JMP"),
    (r"\b(?:nothing|idle|wait|cycle|no op|no operation|no action|pass)\b", "NOP"),
    (r"\b(?:stop|halt|end|ends|shut|finish|terminate)\b", "HALT"),
    (r"=|<-|->|\b(?:put|place|store|write|load|stick|set|make|let|assign|gets|becomes)\b", "MOV"),
    (r"\b(?:takes|give|fill|copy|move|transfer|clear|zero|reset|empty|wipe|clean|save)\b", "MOV"),
    (r"\b(?:drop|bring|hold|contain|erase|into|preset|duplicate|blank|nullify)\b", "MOV"),
    (r"\b(?:multipl|scale|factor)", "MUL"),
    (r"\b(?:no further|exit|close|cancel|quit|over|done|finished)\b", "HALT"),
    (r"\b(?:assigned|constant|fix|populate|preload|stored|value of|value for)\b", "MOV"),
    (r"\b(?:dummy|bubble|tick|alone|no change|empty|turn)\b", "NOP"),
    (r"\b(?:back|ahead|over|execution|program counter|pc|label|address|head|cut|loop)\b", "JMP"),
)
