"""How set-ups end in which something goes wrong.

In: the report of setup_faults. Out: a table.
"""

from benchmarks.setup_faults import ANSWER, DEFECT, ONE_LINE
from benchmarks.tables.markdown import table
from benchmarks.tables.records import Records

__all__ = ["setup_faults"]


def setup_faults(records: Records) -> str:
    """Each fault, and how the commands ended that met it or came after it."""
    report = records.result("setup_faults")
    outcomes = (ANSWER, ONE_LINE, DEFECT)
    rows = [
        (name, sum(counts.values()), *(counts.get(outcome, 0) for outcome in outcomes))
        for name, counts in report["counts"].items()
        if not counts.keys() - {*outcomes}  # the exit statuses of what was killed are counted too
    ]
    note = (
        f"A set-up takes {report['undisturbed_setup_s']:.0f} s here; it was killed at"
        f" {report['options']['kill_points']} points of that time and at each of its steps."
        f" (seed {report['options']['seed']}, commit `{report['commit']}`; {report['processor']}.)"
    )
    return table(("fault: command", "commands", "answers", "one clear line", "defects"), rows, note)
