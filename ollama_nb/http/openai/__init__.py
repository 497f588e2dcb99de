"""OpenAI's routes, translated to Ollama's verbs and back (reference: Ollama API, 14.1 to 14.5).

A file for each noun: its requests, its answers, and its stream where it has one. Nothing here
answers by itself; what a model can do and what goes wrong is the service's word.
"""

from .chat import chat_completions
from .completions import completions
from .embeddings import embeddings
from .models import model, models

__all__ = ["chat_completions", "completions", "embeddings", "model", "models"]
