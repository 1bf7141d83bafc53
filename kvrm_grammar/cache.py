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
        ModelError: The user has no home folder, as in a container that runs under a number; or
            the folder's name is not UTF-8.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        if chosen:
            folder = Path(chosen).expanduser().absolute()
        else:
            folder = Path(platformdirs.user_cache_dir("kvrm-grammar", appauthor=False))
        str(folder).encode()  # the libraries that read models take names in UTF-8 alone
    except (RuntimeError, UnicodeEncodeError) as error:
        raise ModelError(
            f"there is no cache folder ({error}); set {CACHE_VARIABLE} to an absolute path"
        ) from error
    return folder
