"""Make a model: from another one or from files, with texts and parameters laid over it.

What can be told from the request alone is checked before anything is reported; then come the
layers, in Ollama's order and with its words (reference: models, 7; Ollama API, 11).
"""

import contextlib
import posixpath
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from ollama_nb.errors import (
    BadRequest,
    Cancelled,
    InvalidDigest,
    InvalidName,
    InvalidOption,
    MalformedGGUF,
    ModelNotFound,
    UnusableFiles,
)
from ollama_nb.gguf import (
    Header,
    check_adapted,
    check_adapter,
    check_model,
    check_projector,
    read_header,
)
from ollama_nb.names import Name
from ollama_nb.prompt.chat_template import chat_template
from ollama_nb.prompt.go_template import TemplateError
from ollama_nb.store import Layer, Model, Store
from ollama_nb.wire import CreateRequest, Options
from ollama_nb.wire.go_json import Map, encode

from .config import config_of_model, config_of_weights, ordered, with_info
from .converting import add_converted, add_converted_adapter, is_checkpoint
from .layers import NO_BASE, Layers, check_size
from .progress import QUANTIZING, Report, counted, status
from .quantization import source_format, wanted_format
from .splits import find_splits, merge

Pull = Callable[[Name, Report, threading.Event], None]

_MAGIC = b"GGUF"


def check_request(request: CreateRequest) -> None:
    """Raise what is wrong whatever is in the store (11)."""
    for files in (request.files, request.adapters):
        for path, digest in (files or {}).items():
            _check_path(path)
            if not digest:
                raise InvalidDigest
    if not Name.parse(request.model).valid:
        raise InvalidName
    if not request.from_ and request.files is None:
        raise BadRequest("neither 'from' or 'files' was specified")
    if request.from_ and not Name.parse(request.from_).valid:
        raise InvalidName
    if not request.from_ and not request.files:
        raise BadRequest("unknown type")
    adapters = request.adapters or {}
    if len(adapters) > 1 and not is_checkpoint(adapters):
        raise BadRequest("only one adapter is currently supported")
    with_info({}, request.info or {})
    if request.quantize or request.quantization:
        wanted_format(request.quantize or request.quantization)
    _check_texts(request)


def _check_texts(request: CreateRequest) -> None:
    if request.template:
        try:
            chat_template(request.template)
        except TemplateError as error:
            raise BadRequest(str(error)) from None
    try:
        Options.merge(request.parameters)
        encode(request.parameters)
    except (InvalidOption, ValueError, TypeError) as error:
        raise BadRequest(str(error)) from None
    for kind, text in (("template", request.template), ("system", request.system)):
        check_size(kind, len(text.encode("utf-8", "replace")))


class Quantize(Protocol):
    """What writes a model's weights in another format, as engine/quantizing does."""

    def __call__(
        self, header: Header, target: Path, format: str, *,
        progress: Callable[[int], None], stop: threading.Event,
    ) -> None:  # fmt: skip
        """Do it, telling the bytes of the source that are done. Raises EngineError, Cancelled."""


class Creation:
    """One model being made of a request that has been checked."""

    def __init__(
        self, store: Store, request: CreateRequest, *, pull: Pull, quantize: Quantize
    ) -> None:
        """Take the store, and what fetches a missing base and what quantizes a file."""
        self._store = store
        self._request = request
        self._pull = pull
        self._quantize = quantize
        asked = request.quantize or request.quantization
        self._wanted = wanted_format(asked) if asked else ""

    def run(self, report: Report, stop: threading.Event) -> None:
        """Make it; the store is as it was if this raises (an OllamaError)."""
        request = self._request
        with Layers(self._store) as layers:
            if request.from_:
                base = self._base(report, stop)
                config, parameters = self._from_model(base, layers), dict(base.options)
            else:
                config, parameters = self._from_files(layers, report, stop), {}
            self._add_adapters(layers, report, stop)
            if self._wanted:
                self._quantize_weights(layers, config, report, stop)
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
            self._pull(Name.parse(self._request.from_), report, stop)
            return self._store.find(self._request.from_)

    def _from_model(self, base: Model, layers: Layers) -> dict[str, Any]:
        layers.hold(layer.digest for layer in base.manifest.layers)
        for layer in base.manifest.layers:
            layers.adopt(_with_origin(layer, str(base.name)))
        return config_of_model(base)

    def _from_files(self, layers: Layers, report: Report, stop: threading.Event) -> dict[str, Any]:
        """One layer for each file, or set of parts, in the order of their names (models, 7.2)."""
        files = dict(sorted((self._request.files or {}).items()))
        layers.hold(files.values())
        paths = {name: layers.pin(digest) for name, digest in files.items()}
        if is_checkpoint(paths):
            return add_converted(
                self._store, layers, paths, single=self._wanted == "F32", report=report, stop=stop
            )
        headers: dict[str, Header] = {}
        for name, path in paths.items():
            _check_gguf(name, path)
            report(status("parsing GGUF"))
            with _naming(name):
                headers[name] = read_header(path)
        sets = find_splits(headers)
        parts = {name for each in sets for name in each}
        config: dict[str, Any] | None = None
        for name in [one for one in headers if one not in parts]:
            with _naming(name):
                kind, header = _judged(paths[name], headers[name])
            layers.add_blob(kind, files[name], origin=name)
            if kind == "model":
                config = config_of_weights(header)
        for each in sets:
            with self._store.disk.draft() as draft:
                merge({name: paths[name] for name in each}, draft.path, stop)
                with _naming(each[0]):
                    config = config_of_weights(check_model(draft.path))
                layers.add_draft("model", draft, origin=each[0])
        if config is None:
            raise BadRequest(NO_BASE)
        for layer in layers.of("adapter"):
            check_adapted(read_header(layers.path_of(layer)), check_model(layers.weights()))
        if layers.of("projector"):
            config["model_families"] = [*config["model_families"], "clip"]
        return config

    def _add_adapters(self, layers: Layers, report: Report, stop: threading.Event) -> None:
        adapters = self._request.adapters or {}
        layers.hold(adapters.values())
        paths = {name: layers.pin(digest) for name, digest in adapters.items()}
        if is_checkpoint(paths):
            add_converted_adapter(self._store, layers, paths, report=report, stop=stop)
            return
        for name, path in paths.items():
            _check_gguf(name, path)
            report(status("parsing GGUF"))
            weights = check_model(layers.weights())
            with _naming(name):
                check_adapted(check_adapter(path), weights)
            layers.add_blob("adapter", adapters[name], origin=name)

    def _quantize_weights(
        self, layers: Layers, config: dict[str, Any], report: Report, stop: threading.Event
    ) -> None:
        """Put weights in another format in the place of the model's own."""
        wanted = self._wanted
        header = check_model(layers.weights())
        source = source_format(header)
        if source == wanted:
            return
        text = f"quantizing {source} model to {wanted}"
        total = sum(tensor.size_bytes for tensor in header.tensors)

        def progress(completed: int) -> None:
            report(counted(text, QUANTIZING, completed, total))

        progress(0)
        with self._store.disk.draft() as draft:
            self._quantize(header, draft.path, wanted, progress=progress, stop=stop)
            report(status("verifying conversion"))
            made = check_model(draft.path)
            layers.replace_weights(draft)
        config["file_type"] = wanted if wanted == "F32" else made.file_type_name

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


def _check_path(path: str) -> None:
    """Only what names a place below a folder, in one way."""
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or posixpath.normpath(path) != path:
        raise BadRequest("file path must be relative")


def _check_gguf(name: str, path: Path) -> None:
    """Tell GGUF by its first bytes."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) == _MAGIC:
            return
    if name.endswith(".gguf"):
        raise BadRequest("supplied file was not in GGUF format")
    raise BadRequest("unknown type")


def _judged(path: Path, header: Header) -> tuple[str, Header]:
    """What kind of layer a GGUF file makes. Raises MalformedGGUF for what may not be loaded."""
    kind = header.metadata.get("general.type")
    if kind == "adapter":
        return "adapter", check_adapter(path)
    if kind in ("projector", "mmproj") or header.architecture == "clip":
        return "projector", check_projector(path)
    return "model", check_model(path)


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Let a refusal name the file as the request does, and say that nothing was to be loaded."""
    try:
        yield
    except MalformedGGUF as error:
        raise UnusableFiles(f"{name}: {error.fault}") from None


def _with_origin(layer: Layer, origin: str) -> Layer:
    return Layer(
        digest=layer.digest, size=layer.size, media_type=layer.media_type, from_=origin,
        name=layer.name,
    )  # fmt: skip
