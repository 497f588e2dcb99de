"""OpenAI's Responses API, translated to chat and back (reference: Ollama API, 14.6).

Stateless: nothing is kept of an answer, so a conversation is sent whole every time.
"""

from .api import responses

__all__ = ["responses"]
