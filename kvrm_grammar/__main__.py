"""``python -m kvrm_grammar`` is the command ``kvrm-grammar``."""

from kvrm_grammar.cli.app import main

if __name__ == "__main__":
    main()
