"""Where threads meet the event loop: for the server, and for the client that is awaited.

The contract blocks, and an engine's thread produces what an event loop sends on. Everything that
crosses between the two is here; whose threads they are is decided above.
"""

from .arrivals import BLOCK, Arrivals, Bell
from .calling import Call, call
from .handover import Handover
from .limit import within
from .receiving import Receiving

__all__ = ["BLOCK", "Arrivals", "Bell", "Call", "Handover", "Receiving", "call", "within"]
