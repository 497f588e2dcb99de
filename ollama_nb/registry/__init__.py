"""The network: models from registries and to them, by Ollama's protocol (reference: models, 3).

Knows the store, and nothing of who asks; it tells its progress by a callable.
"""

from .registry import Registry

__all__ = ["Registry"]
