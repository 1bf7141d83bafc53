"""The server: HTTP in front of the decoders, and a page.

In: settings. Out: ``kvrm-grammar serve``. Each module says what it adds; fastapi, uvicorn and
prometheus-client are the extra ``serve``, and no other part of the package imports them.
"""

__all__: list[str] = []
