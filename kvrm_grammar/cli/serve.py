"""The command ``serve``: decoders behind HTTP, and a page.

In: options, and a key from the environment. Out: a server that runs until a signal; its log on
standard error, one JSON object a line. It needs the extra ``serve``.
"""

from importlib.util import find_spec
from typing import Annotated

import typer

from kvrm_grammar.cli.failures import ENVIRONMENT, USAGE, fail, failures
from kvrm_grammar.cli.loading import chosen_isa
from kvrm_grammar.cli.options import BackendOption, IsaOption, PrecisionOption

__all__ = [
    "AllowHost",
    "ApiKey",
    "Dialects",
    "Host",
    "LogTexts",
    "MaxQueue",
    "Port",
    "serve",
]

_PACKAGES = ("fastapi", "uvicorn", "prometheus_client")

Host = Annotated[
    str, typer.Option(help="Address to listen on; 0.0.0.0 for all, which needs a key.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 for one that is free.")]
Dialects = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Of the set's dialects, commas between (default: all)."),
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        envvar="KVRM_GRAMMAR_API_KEY",
        show_default=False,
        help="Requests must bring it; better in the environment than in the list of processes.",
    ),
]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="Answer also when asked for by this name; '*' for any. May be given again.",
    ),
]
MaxQueue = Annotated[int, typer.Option(min=1, help="Texts that may wait; more are refused.")]
LogTexts = Annotated[bool, typer.Option("--log-texts", help="Write the texts to the log.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    isa: IsaOption = None,
    dialects: Dialects = None,
    api_key: ApiKey = None,
    allow_host: AllowHost = None,
    max_queue: MaxQueue = 1024,
    log_texts: LogTexts = False,
    backend: BackendOption = None,
    precision: PrecisionOption = None,
) -> None:
    """Serve decoders over HTTP, and a page at /, until a signal."""
    with failures():
        if not all(find_spec(name) for name in _PACKAGES):
            fail("serve needs the extra 'serve': pip install 'kvrm-grammar[serve]'", ENVIRONMENT)
        from kvrm_grammar.serve.hosts import is_loopback

        if api_key is None and not is_loopback(host):
            fail(f"--host {host} is reached by others: set KVRM_GRAMMAR_API_KEY to a key", USAGE)
        if isa is not None:
            chosen_isa(isa)  # told as the other commands do
        from kvrm_grammar.serve.server import run_server
        from kvrm_grammar.serve.settings import Limits, Settings

        run_server(
            Settings(
                host=host,
                port=port,
                isa=isa,
                dialects=None if dialects is None else _names(dialects),
                api_key=api_key,
                allow_hosts=tuple(allow_host or ()),
                log_texts=log_texts,
                backend=backend,
                precision=precision,
                limits=Limits(max_queue=max_queue),
            )
        )


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())
