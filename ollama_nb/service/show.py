"""The verb show: all that the disk tells of a model (reference: Ollama API, 10)."""

import struct
from typing import Any

from ollama_nb.errors import BadRequest, Forbidden, ModelNotFound
from ollama_nb.gguf import ArrayRef, Header, read_header
from ollama_nb.gguf.arrays import FLOAT32
from ollama_nb.names import Name
from ollama_nb.store import Model, Store
from ollama_nb.wire import ShownMessage, ShownTensor, ShowRequest, ShowResponse
from ollama_nb.wire.durations import local_time

from .finding import find_model
from .modelfile import modelfile_of, parameter_lines, template_of

_FLOAT32 = struct.Struct("<f")
_SHOWN_ELSEWHERE = ("general.name", "tokenizer.chat_template")


def show(store: Store, request: ShowRequest) -> ShowResponse:
    """Tell what is known of a model. See Service.show."""
    model = _find(store, request.model)
    header = model.plain_header
    system = request.system or model.system
    return ShowResponse(
        license="\n".join(model.licenses),
        modelfile=modelfile_of(model, system, model.options | (request.options or {})),
        parameters=parameter_lines(model.options),
        template=template_of(model),
        system=system,
        details=model.details(lengths=True),
        messages=[ShownMessage(role=one.role, content=one.content) for one in model.messages],
        model_info=_metadata(header, verbose=request.verbose),
        projector_info=_projector(model, verbose=request.verbose),
        tensors=_tensors(header),
        capabilities=list(model.capabilities),
        modified_at=local_time(model.manifest.modified_ns),
        requires=model.config.requires,
    )


def _find(store: Store, text: str) -> Model:
    if not text.strip():
        raise BadRequest("model is required")
    try:
        return find_model(store, text)
    except ModelNotFound as error:
        raise ModelNotFound(str(Name.parse(error.name))) from None
    except Forbidden:
        raise Forbidden("ollama cloud is disabled: remote model details are unavailable") from None


def _metadata(header: Header | None, *, verbose: bool) -> dict[str, Any]:
    """Sorted by key, as Go writes maps; arrays, which can be long, only where asked for."""
    if header is None:
        return {}
    found: dict[str, Any] = {"general.parameter_count": header.parameter_count}
    for key, value in header.metadata.items():
        if not isinstance(value, ArrayRef):
            found[key] = _short(value) if header.types[key] == FLOAT32 else value
        elif not verbose:
            found[key] = []
        else:
            values = header.read_array(value)
            found[key] = list(map(_short, values)) if value.type == FLOAT32 else values
    return {key: found[key] for key in sorted(found) if key not in _SHOWN_ELSEWHERE}


def _short(value: Any) -> float:
    """A number of 32 bits with the digits that it has: 1e-05, not 9.999999747378752e-06."""
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        if _FLOAT32.pack(short) == _FLOAT32.pack(value):
            return short
    return float(value)


def _projector(model: Model, *, verbose: bool) -> dict[str, Any]:
    """The first one's, if it is there."""
    projectors = [path for path in model.files("projector")[:1] if path.is_file()]
    return _metadata(read_header(projectors[0]), verbose=verbose) if projectors else {}


def _tensors(header: Header | None) -> list[ShownTensor]:
    return [
        ShownTensor(name=tensor.name, type=tensor.type.name, shape=list(tensor.shape))
        for tensor in (header.tensors if header else ())
    ]
