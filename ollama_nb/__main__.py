"""``jupyter ollama VERB …``: a dispatcher, so that a verb loads only what it needs.

``serve`` belongs to the server; every other verb is in the table that the magics use as well.
"""

import sys
from collections.abc import Sequence

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the process's exit status; 130 also while it is still starting."""
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return _INTERRUPTED


def _main(arguments: list[str]) -> int:
    if arguments in ([], ["-h"], ["--help"], ["help"]):
        from ollama_nb.commands.verbs import overview
        from ollama_nb.commands.ways import TERMINAL

        sys.stdout.write(overview(TERMINAL))
        return 0
    if arguments == ["help", "serve"]:
        arguments = ["serve", "--help"]
    if arguments[0] == "serve":
        from ollama_nb.server import standalone

        return standalone.main(arguments[1:])
    from ollama_nb.commands import terminal

    return terminal.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
