"""Keep transformers off standard error while a model is loaded.

In: a block of code. Out: the same block, with the progress bars and warnings of
transformers, huggingface_hub and Python's ``warnings`` off, and all of them as they were
afterwards. Importing this module loads neither torch nor transformers.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["quiet_transformers"]

# The switches are global: two loads at once must not save each other's "off" as "before".
_LOCK = threading.RLock()


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence progress bars and warnings for the length of a ``with`` block.

    Yields:
        Nothing. Errors pass through; only one thread at a time is inside.
    """
    from transformers.utils import logging as typed_logging

    logging: Any = typed_logging  # its functions carry no types
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()  # huggingface_hub's too
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
