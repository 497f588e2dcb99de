"""The verb create: three generations of saying what a model is made of (reference: Ollama API, 11).

What the request alone tells is checked at once; the rest is work that reports how it goes.
"""

import threading
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ollama_nb.engine.first_load import first_load
from ollama_nb.engine.quantizing import quantize
from ollama_nb.errors import BadRequest, InvalidName, OllamaError
from ollama_nb.names import Name
from ollama_nb.recipes.checking import check_request
from ollama_nb.recipes.create import Creation, Means, Pull
from ollama_nb.recipes.definition import define, request_of, warnings
from ollama_nb.recipes.importing import Importing
from ollama_nb.recipes.local_files import LocalFile
from ollama_nb.recipes.modelfile import parse
from ollama_nb.recipes.sources import Place, find_sources, open_modelfile
from ollama_nb.settings import Settings
from ollama_nb.store import Store
from ollama_nb.wire import CreateRequest, ProgressResponse

from .work import Report, Work

_TO_COME = f"sha256:{'0' * 64}"
"""Stands for the digest of a file that is still to be read."""
_BESIDE = ("template", "system", "license", "messages")


def creation(
    store: Store, request: CreateRequest, settings: Settings, folder: Path | None, *, pull: Pull
) -> Work[ProgressResponse]:
    """Check ``request`` and return the work. Raises what is wrong whatever the store holds.

    ``folder`` is where a Modelfile in the request stands, if that may name files.
    """
    stores = (settings.models, *settings.site_models, settings.builtin_models)
    # What the present form alone has makes it one, whatever else is there (Ollama API, 15).
    older = not (request.from_ or request.files is not None or request.adapters is not None)
    if older and request.modelfile:
        place = Place(folder=folder, stores=stores)
        return _by_modelfile(store, request, request.modelfile, place, pull)
    if older and request.path:
        root = settings.create_root
        source, place = _read(request.path, Place(folder=root, root=root, stores=stores))
        return _by_modelfile(store, request, source, place, pull)
    check_request(request)
    return Creation(store, request, Means(pull, quantize, first_load)).run


def _by_modelfile(
    store: Store, request: CreateRequest, source: bytes | str, place: Place, pull: Pull
) -> Work[ProgressResponse]:
    if not Name.parse(request.model).valid:
        raise InvalidName
    commands = parse(source)
    told = warnings(commands)
    if place.folder is None or place.root is not None:  # nobody's own file, but a request's
        told.insert(0, "parsing modelfile")
    definition = define(commands)
    if definition.drafts:
        told.append("warning: DRAFT is ignored, since this engine does not speculate")
    sources = find_sources(definition, place)
    wanted = replace(
        _laid_over(request_of(definition, request.model), request),
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
        for text in told:
            report(ProgressResponse(status=text))
        with Importing(store, report, stop) as importing:
            files = sources.blobs | importing.take(sources.files)
            adapters = sources.adapter_blobs | importing.take(sources.adapter_files)
            whole = replace(wanted, files=files, adapters=adapters)
            Creation(store, whole, Means(pull, quantize, first_load)).run(report, stop)

    return work


def _laid_over(wanted: CreateRequest, request: CreateRequest) -> CreateRequest:
    """Let what stands beside a Modelfile take the place of what it says (Ollama API, 15)."""
    given = {name: value for name in _BESIDE if (value := getattr(request, name))}
    if request.parameters:
        given["parameters"] = {**(wanted.parameters or {}), **request.parameters}
    return replace(wanted, **given)


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
