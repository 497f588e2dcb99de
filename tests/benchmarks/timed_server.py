"""``jupyter ollama serve`` with a timer in its event loop: how late is what the loop has to do?

``python -m tests.benchmarks.timed_server FILE …``. When the server stops, FILE gets a JSON list of
[due, late]: seconds of the system's monotonic clock, and how much later the timer ran.
"""

import asyncio
import json
import sys
from pathlib import Path

from ollama_nb.server.standalone import OllamaServerApp

PERIOD = 0.005


class TimedServerApp(OllamaServerApp):
    """Measures from the first turn of the loop on."""

    def start_app(self) -> None:
        super().start_app()
        self.delays: list[tuple[float, float]] = []
        self.io_loop.add_callback(self._begin)

    def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wait(self._loop.time() + PERIOD)

    def _wait(self, due: float) -> None:
        self._loop.call_at(due, self._note, due)

    def _note(self, due: float) -> None:
        """A timer that was held up catches up, so that long delays count by their length."""
        self.delays.append((due, self._loop.time() - due))
        self._wait(due + PERIOD)


def main(file: str, *arguments: str) -> None:
    try:
        TimedServerApp.launch_instance(list(arguments), jpserver_extensions={"ollama_nb": True})
    finally:
        Path(file).write_text(json.dumps(TimedServerApp.instance().delays))


if __name__ == "__main__":
    main(*sys.argv[1:])
