"""The official Ollama clients on the engine of this process: no port, no server.

httpx transports over the route table; whatever takes an httpx transport can be pointed at the
kernel's engine. Imports no native code and no web framework.
"""

from .async_kernel_transport import AsyncKernelTransport, async_transport
from .kernel_transport import KernelTransport, transport
from .official import AsyncClient, Client

__all__ = [
    "AsyncClient",
    "AsyncKernelTransport",
    "Client",
    "KernelTransport",
    "async_transport",
    "transport",
]
