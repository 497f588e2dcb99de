"""A service that says what a test tells it to: for faults and shapes that the guide never shows."""

from types import SimpleNamespace

import pytest

from ollama_nb.errors import ModelNotFound
from ollama_nb.service import Stream
from ollama_nb.wire import (
    EmbedResponse,
    GenerateResponse,
    ListedModel,
    ListResponse,
    ModelDetails,
    ProcessModel,
    ProcessResponse,
    ProgressResponse,
    VersionResponse,
)
from ollama_nb.wire.fold import fold_generate

DETAILS = ModelDetails(
    parent_model="",
    format="gguf",
    family="llama",
    families=["llama"],
    parameter_size="5.1M",
    quantization_level="Q8_0",
)


def chunk(text="", *, thinking="", done_reason=""):
    """One chunk; with a done_reason it is the last one and carries counts."""
    counts = {}
    if done_reason:
        counts = {
            "prompt_eval_count": 23,
            "prompt_eval_duration": 10_000_000,
            "eval_count": 41,
            "eval_duration": 50_000_000,
            "total_duration": 70_000_000,
        }
    return GenerateResponse(
        model="guide",
        created_at="2026-01-01T00:00:00Z",
        response=text,
        thinking=thinking,
        done=bool(done_reason),
        done_reason=done_reason,
        **counts,
    )


def told(status, *counts):
    """A line of progress; for a layer, counts are its letter, and how much of how much is there."""
    if not counts:
        return ProgressResponse(status=status)
    letter, completed, total = counts
    digest = f"sha256:{letter * 64}"
    return ProgressResponse(
        status=f"{status} {letter * 12}", digest=digest, completed=completed, total=total
    )


class ScriptedStream(Stream):
    """Plays a script of chunks and errors; at KeyboardInterrupt its consumer is interrupted."""

    def __init__(self, script):
        super().__init__(lambda event: (event,), fold_generate)
        self._script = list(script)
        self.cancelled = False

    def __iter__(self):
        while self._script:
            item = self._script.pop(0)
            if item is KeyboardInterrupt:
                raise KeyboardInterrupt
            self.put(item)
            yield from self.arrived()

    def cancel(self):
        """Say what is left of the script."""
        self.cancelled = True
        while self._script:
            self.put(self._script.pop(0))


class ToldStream(ScriptedStream):
    """Plays a script of progress."""

    def __init__(self, script):
        super().__init__(script)
        self._translate = lambda event: (event.told,)

    def put(self, event):
        """Mark the last line."""
        if not isinstance(event, Exception):
            event = SimpleNamespace(told=event, done=event.status == "success")
        super().put(event)


class FakeService:
    """Knows `guide` and `llama3.2:1b`; answers with ``script``, and texts with three numbers.

    Pulls and pushes play ``script`` too.
    """

    def __init__(self):
        self.script = [chunk("Hello, "), chunk("you."), chunk(done_reason="stop")]
        self.faults = []
        """What happens to an embedding instead of an answer."""
        self.names = ["guide:latest", "llama3.2:1b"]
        self.loaded = []
        self.requests = []
        self.stream = None
        self.closed = False

    def generate(self, request, *, owner=""):
        self.requests.append(request)
        if request.model not in ("guide", "guide:latest", "llama3.2:1b"):
            raise ModelNotFound(request.model)
        if not request.prompt:
            return Stream.of(chunk(done_reason="unload"))
        self.stream = ScriptedStream(self.script)
        return self.stream

    def embed(self, request, *, owner=""):
        self.requests.append(request)
        if request.model not in ("guide", "llama3.2:1b"):
            raise ModelNotFound.to_embed(request.model)
        answer = EmbedResponse(
            model=request.model,
            embeddings=[[float(len(text)), 0.5, -1.0] for text in request.input],
            total_duration=20_000_000,
            load_duration=10_000_000,
            prompt_eval_count=7,
        )
        self.stream = ScriptedStream(self.faults) if self.faults else Stream.of(answer)
        return self.stream

    def pull(self, request):
        self.requests.append(request)
        self.stream = ToldStream(self.script)
        return self.stream

    push = pull

    def list(self):
        return ListResponse(models=[self._listed(name) for name in self.names])

    def ps(self):
        return ProcessResponse(models=[self._process(name) for name in self.loaded])

    def version(self):
        return VersionResponse(version="0.33.0")

    def close(self):
        self.closed = True

    @property
    def store(self):
        return SimpleNamespace(models=self.stored)

    def stored(self):
        return [SimpleNamespace(name=name) for name in self.names]

    def _listed(self, name):
        return ListedModel(
            name=name,
            model=name,
            modified_at="2020-01-01T00:00:00Z",
            size=5_200_000,
            digest="0123456789abcdef" * 4,
            details=DETAILS,
        )

    def _process(self, name):
        return ProcessModel(
            name=name,
            model=name,
            size=20_000_000,
            digest="0123456789abcdef" * 4,
            details=DETAILS,
            expires_at="2318-01-01T00:00:00Z",
            size_vram=0,
            context_length=4096,
        )


@pytest.fixture
def fake_service(monkeypatch):
    """Put a scripted service where the shared one of the process would be."""
    fake = FakeService()
    monkeypatch.setattr("ollama_nb.service.shared._service", fake)
    return fake
