"""Where this package keeps files between runs.

In: the environment. Out: one folder, below which the packaged base model and the
token indexes live. Nothing is created here: whoever writes creates.
"""

import os
from pathlib import Path

import platformdirs

from kvrm_grammar.errors import ModelError

__all__ = ["CACHE_VARIABLE", "cache_dir"]

CACHE_VARIABLE = "KVRM_GRAMMAR_CACHE"
"""Environment variable that names another cache folder."""


def cache_dir() -> Path:
    """Say which folder holds the cache.

    Returns:
        The absolute path from ``KVRM_GRAMMAR_CACHE`` (``~`` is expanded, empty counts
        as unset), else the user's cache folder of the operating system.

    Raises:
        ModelError: The user has no home folder, as in a container that runs under a number.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        return Path(platformdirs.user_cache_dir("kvrm-grammar", appauthor=False))
    except RuntimeError as error:
        raise ModelError(
            f"there is no cache folder ({error}); set {CACHE_VARIABLE} to an absolute path"
        ) from error
