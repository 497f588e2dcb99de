"""Anthropic's Messages API, translated to chat and back (reference: Ollama API, 14.7).

Nothing here answers by itself; what a model can do and what goes wrong is the service's word.
"""

from .api import count_tokens, messages

__all__ = ["count_tokens", "messages"]
