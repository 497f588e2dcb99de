"""The facade: the one door to the engine and the store.

Synchronous. Knows neither asyncio nor HTTP nor IPython; raises ``OllamaError``s.
"""

from .asking import Asking
from .service import Service
from .stream import Stream

__all__ = ["Asking", "Service", "Stream"]
