"""verify: ours, not Ollama's. Whether the files of all models are what their names say."""

import threading
from collections.abc import Callable

from ollama_nb.store import Checked, Store


def verify(store: Store, report: Callable[[Checked], None], stop: threading.Event) -> None:
    """Tell how it goes and what is found. See Service.verify. Raises Cancelled."""
    for checked in store.verify(stop):
        report(checked)
