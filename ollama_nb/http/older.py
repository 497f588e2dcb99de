"""What only older generations of Ollama sent, which their clients read and all others ignore.

OLLAMA_NB_STRICT leaves it out (reference: Ollama API, 15).
"""

from msgspec.structs import replace

from ollama_nb.wire import EmbeddingsResponse, GenerateResponse


def without_samples(chunk: GenerateResponse) -> GenerateResponse:
    """Drop the counts of sampling, which the last object had until v0.1.0."""
    return replace(chunk, sample_count=0, sample_duration=0) if chunk.done else chunk


def without_documented_key(answer: EmbeddingsResponse) -> EmbeddingsResponse:
    """Drop the key that the documents of 2023 gave the vector."""
    return replace(answer, embeddings=None)
