"""The verb create: three generations of saying what a model is made of (reference: Ollama API, 11).

What the request alone tells is checked at once; the rest is work that reports how it goes.
"""

import threading
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ollama_nb.engine.quantizing import quantize
from ollama_nb.errors import BadRequest, InvalidName, OllamaError
from ollama_nb.names import Name
from ollama_nb.recipes.create import Creation, Pull, check_request
from ollama_nb.recipes.definition import define, request_of, warnings
from ollama_nb.recipes.importing import import_files
from ollama_nb.recipes.local_files import LocalFile
from ollama_nb.recipes.modelfile import parse
from ollama_nb.recipes.sources import Place, find_sources, open_modelfile
from ollama_nb.settings import Settings
from ollama_nb.store import Store
from ollama_nb.wire import CreateRequest, ProgressResponse

from .work import Report, Work

_TO_COME = f"sha256:{'0' * 64}"
"""Stands for the digest of a file that is still to be read."""


def creation(
    store: Store, request: CreateRequest, settings: Settings, folder: Path | None, *, pull: Pull
) -> Work[ProgressResponse]:
    """Check ``request`` and return the work. Raises what is wrong whatever the store holds.

    ``folder`` is where a Modelfile in the request stands, if that may name files.
    """
    stores = (settings.models, *settings.site_models, settings.builtin_models)
    if request.modelfile:
        place = Place(folder=folder, stores=stores)
        return _by_modelfile(store, request, request.modelfile, place, pull)
    if request.path:
        root = settings.create_root
        source, place = _read(request.path, Place(folder=root, root=root, stores=stores))
        return _by_modelfile(store, request, source, place, pull)
    check_request(request)
    return Creation(store, request, pull=pull, quantize=quantize).run


def _by_modelfile(
    store: Store, request: CreateRequest, source: bytes | str, place: Place, pull: Pull
) -> Work[ProgressResponse]:
    if not Name.parse(request.model).valid:
        raise InvalidName
    commands = parse(source)
    vain = warnings(commands)
    definition = define(commands)
    if definition.drafts:
        vain.append("warning: DRAFT is ignored, since this engine does not speculate")
    sources = find_sources(definition, place)
    wanted = replace(
        request_of(definition, request.model),
        from_=sources.model,
        quantize=request.quantize or request.quantization,
    )
    check_request(
        replace(
            wanted,
            files=sources.blobs | _named(sources.files),
            adapters=sources.adapter_blobs | _named(sources.adapter_files),
        )
    )

    def work(report: Report[ProgressResponse], stop: threading.Event) -> None:
        for text in vain:
            report(ProgressResponse(status=text))
        new: set[str] = set()
        try:
            files = sources.blobs | import_files(store, sources.files, new, report, stop)
            adapters = import_files(store, sources.adapter_files, new, report, stop)
            whole = replace(wanted, files=files, adapters=sources.adapter_blobs | adapters)
            Creation(store, whole, pull=pull, quantize=quantize).run(report, stop)
        except BaseException:
            store.collect(new)
            raise

    return work


def _read(path: str, place: Place) -> tuple[bytes, Place]:
    """The Modelfile at a path below the root, if there is a root."""
    if place.root is None:
        raise BadRequest("error reading modelfile: this server reads no files by their path")
    try:
        return open_modelfile(path, place)
    except OllamaError as error:
        raise BadRequest(f"error reading modelfile: {error}") from error


def _named(files: Sequence[LocalFile]) -> dict[str, str]:
    return {file.name: _TO_COME for file in files}
