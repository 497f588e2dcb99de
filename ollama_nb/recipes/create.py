"""Make a model: from another one or from files, with texts and parameters laid over it.

The request has been checked (``checking.py``); here come the layers, in Ollama's order and with
its words (reference: models, 7; Ollama API, 11).
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from msgspec.structs import replace

from ollama_nb.errors import Cancelled, LoadFailed, ModelNotFound, UnusableFiles
from ollama_nb.gguf import Header, check_model
from ollama_nb.names import Name
from ollama_nb.store import Model, Store
from ollama_nb.wire import CreateRequest
from ollama_nb.wire.go_json import Map

from .config import config_of_model, ordered, with_info
from .converting import add_converted, add_converted_adapter, is_checkpoint
from .gguf_files import add_gguf, add_gguf_adapter
from .known_templates import KnownTemplate, recognise
from .layers import Layers
from .progress import QUANTIZING, Report, counted, status
from .quantization import source_format, wanted_format

Pull = Callable[[Name, Report, threading.Event], None]
"""What fetches a base that is missing, telling how it goes."""

_UNTRIED = "warning: this machine has too little memory to load the model, which was not tried"


class Quantize(Protocol):
    """What writes a model's weights in another format, as engine/quantizing does."""

    def __call__(
        self, header: Header, target: Path, format: str, *,
        progress: Callable[[int], None], stop: threading.Event,
    ) -> None:  # fmt: skip
        """Do it, telling the bytes of the source that are done. Raises EngineError, Cancelled."""


class FirstLoad(Protocol):
    """What loads a model once and computes with it, as engine/first_load does."""

    def __call__(
        self, header: Header, adapters: Sequence[Path], *, stop: threading.Event
    ) -> bool:  # fmt: skip
        """Whether there was memory enough to try. Raises LoadFailed, Cancelled."""


class Means(NamedTuple):
    """What is done for a recipe elsewhere: by the registry and by the engine."""

    pull: Pull
    quantize: Quantize
    first_load: FirstLoad


class Creation:
    """One model being made of a request that has been checked."""

    def __init__(self, store: Store, request: CreateRequest, means: Means) -> None:
        """Take the store, the request, and who does what is not a recipe's business."""
        self._store = store
        self._request = request
        self._means = means
        asked = request.quantize or request.quantization
        self._wanted = wanted_format(asked) if asked else ""

    def run(self, report: Report, stop: threading.Event) -> None:
        """Make it; the store is as it was if this raises (an OllamaError)."""
        request = self._request
        with Layers(self._store) as layers:
            parameters: dict[str, Any] = {}
            if request.from_:
                base = self._base(report, stop)
                config, parameters = self._from_model(base, layers), dict(base.options)
            else:
                config = self._from_files(layers, report, stop)
            self._add_adapters(layers, report, stop)
            if self._wanted:
                self._quantize_weights(layers, config, report, stop)
            if layers.made:
                self._try(layers, report, stop)
            if not request.from_:
                parameters = self._add_recognised(layers)
            self._lay_over(layers, parameters)
            for key in ("renderer", "parser", "requires"):
                if getattr(request, key):
                    config[key] = getattr(request, key)
            manifest = layers.manifest(ordered(with_info(config, request.info or {})))
            for text in layers.statuses():
                report(status(text))
            if stop.is_set():
                raise Cancelled
            report(status("writing manifest"))
            self._store.save(Name.parse(request.model), manifest)
        report(status("success"))

    def _base(self, report: Report, stop: threading.Event) -> Model:
        try:
            return self._store.find(self._request.from_)
        except ModelNotFound:
            self._means.pull(Name.parse(self._request.from_), report, stop)
            return self._store.find(self._request.from_)

    def _from_model(self, base: Model, layers: Layers) -> dict[str, Any]:
        layers.hold(layer.digest for layer in base.manifest.layers)
        for layer in base.manifest.layers:
            layers.adopt(replace(layer, from_=str(base.name)))
        return config_of_model(base)

    def _from_files(self, layers: Layers, report: Report, stop: threading.Event) -> dict[str, Any]:
        files = dict(sorted((self._request.files or {}).items()))
        layers.hold(files.values())
        if is_checkpoint(files):
            paths = {name: layers.pin(digest) for name, digest in files.items()}
            return add_converted(
                self._store, layers, paths, single=self._wanted == "F32", report=report, stop=stop
            )
        return add_gguf(self._store, layers, files, report, stop)

    def _add_adapters(self, layers: Layers, report: Report, stop: threading.Event) -> None:
        adapters = self._request.adapters or {}
        layers.hold(adapters.values())
        if is_checkpoint(adapters):
            paths = {name: layers.pin(digest) for name, digest in adapters.items()}
            add_converted_adapter(self._store, layers, paths, report=report, stop=stop)
            return
        for name, digest in adapters.items():
            add_gguf_adapter(layers, name, digest, report)

    def _quantize_weights(
        self, layers: Layers, config: dict[str, Any], report: Report, stop: threading.Event
    ) -> None:
        """Put weights in another format in the place of the model's own."""
        wanted = self._wanted
        header = layers.header()
        source = source_format(header)
        if source == wanted:
            return
        text = f"quantizing {source} model to {wanted}"
        total = sum(tensor.size_bytes for tensor in header.tensors)

        def progress(completed: int) -> None:
            report(counted(text, QUANTIZING, completed, total))

        progress(0)
        with self._store.disk.draft() as draft:
            self._means.quantize(header, draft.path, wanted, progress=progress, stop=stop)
            made = check_model(draft.path)
            layers.replace_weights(draft)
        layers.know(made)
        config["file_type"] = wanted if wanted == "F32" else made.file_type_name

    def _try(self, layers: Layers, report: Report, stop: threading.Event) -> None:
        """Have what was made here loaded once. Raises UnusableFiles."""
        report(status("verifying conversion"))
        adapters = [layers.path_of(layer) for layer in layers.of("adapter")]
        try:
            tried = self._means.first_load(layers.header(), adapters, stop=stop)
        except LoadFailed as error:
            raise UnusableFiles(f"the model that was made cannot be used: {error.fault}") from None
        if not tried:
            report(status(_UNTRIED))

    def _add_recognised(self, layers: Layers) -> dict[str, Any]:
        """Add a template that the weights' own is known as; return the parameters it brings.

        What the request says itself takes its place (models, 5.7).
        """
        found = recognise(layers.header().chat_template or "")
        if found is None:
            return {}
        if not self._request.template:
            layers.add_text("template", found.text, status=_recognised(found))
        parameters = {"stop": list(found.stop)}
        if not self._request.parameters:
            layers.add_json("params", Map(parameters))
        return parameters

    def _lay_over(self, layers: Layers, parameters: dict[str, Any]) -> None:
        """Texts, parameters and messages of the request, each in place of the base's."""
        request = self._request
        if request.template:
            layers.remove("template", "prompt")
            layers.add_text("template", request.template)
        if request.system:
            layers.remove("system")
            layers.add_text("system", request.system)
        licenses = [request.license] if isinstance(request.license, str) else request.license
        for text in filter(None, licenses):
            layers.add_text("license", text)
        if request.parameters:
            layers.remove("params")
            layers.add_json("params", Map(parameters | request.parameters))
        if request.messages:
            layers.remove("messages")
            layers.add_json(
                "messages",
                [{"role": one.role, "content": one.content} for one in request.messages],
            )


def _recognised(template: KnownTemplate) -> str:
    return f"using autodetected template {template.name}"
