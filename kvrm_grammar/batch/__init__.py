"""Files of any length, decoded by several models at once, with Ray Data.

In: JSON Lines or Parquet. Out: a folder of parts in the input's order. A run that was stopped goes
on where it was. Needs the extra ``ray``.
"""

from kvrm_grammar.batch.job import Job
from kvrm_grammar.batch.running import BatchReport, decode_files

__all__ = ["BatchReport", "Job", "decode_files"]
