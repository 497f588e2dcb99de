"""Pulling and pushing, for everybody in this process.

The HTTP library and the cryptography are imported by the first call: most sessions have none.
"""

import threading
from typing import TYPE_CHECKING

from ollama_nb.errors import InvalidName
from ollama_nb.names import Name
from ollama_nb.settings import Settings
from ollama_nb.store import Store

from .patience import Patience
from .transfers import Transfers

if TYPE_CHECKING:
    from .download import Download
    from .progress import Report
    from .remote import Repository
    from .upload import Upload


class Registry:
    """The way to all registries. Callers on several threads share transfers of the same blobs."""

    def __init__(self, store: Store, settings: Settings, patience: Patience | None = None) -> None:
        self._store = store
        self._reserve = settings.disk_reserve
        self._patience = patience or Patience()
        self._downloads: Transfers[Download] = Transfers()
        self._uploads: Transfers[Upload] = Transfers()

    def pull(self, name: Name, *, insecure: bool, report: "Report", stop: threading.Event) -> None:
        """Bring a model into the store, by plain HTTP if it is ``insecure``.

        Raises InvalidName, RegistryError, StoreError; Cancelled soon after ``stop`` was set, and
        then the next pull goes on where this one stopped.
        """
        from .pull import Pull

        Pull(
            store=self._store,
            downloads=self._downloads,
            repository=self._repository(name, insecure=insecure),
            name=name,
            reserve=self._reserve,
            patience=self._patience,
            report=report,
            stop=stop,
        ).run()

    def push(self, name: Name, *, insecure: bool, report: "Report", stop: threading.Event) -> None:
        """Send a model of the store to the registry in its name.

        Raises InvalidName, ModelNotFound, RegistryError, StoreError or Cancelled.
        """
        from .push import Push

        Push(
            store=self._store,
            uploads=self._uploads,
            repository=self._repository(name, insecure=insecure),
            name=name,
            patience=self._patience,
            report=report,
            stop=stop,
        ).run()

    def _repository(self, name: Name, *, insecure: bool) -> "Repository":
        from .remote import Repository

        if not name.valid:
            raise InvalidName
        return Repository.of(name, insecure=insecure)
