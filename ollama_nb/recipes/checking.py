"""What is wrong with a request to create whatever is in the store (reference: Ollama API, 11)."""

import posixpath

from ollama_nb.errors import BadRequest, InvalidDigest, InvalidName, InvalidOption
from ollama_nb.names import Name
from ollama_nb.prompt.chat_template import chat_template
from ollama_nb.prompt.go_template import TemplateError
from ollama_nb.wire import CreateRequest, Options
from ollama_nb.wire.go_json import encode

from .config import with_info
from .converting import is_checkpoint
from .layers import check_size
from .quantization import wanted_format


def check_request(request: CreateRequest) -> None:
    """Raise what the request alone tells: an OllamaError, mostly a BadRequest."""
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


def _check_path(path: str) -> None:
    """Only what names a place below a folder, in one way."""
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or posixpath.normpath(path) != path:
        raise BadRequest("file path must be relative")
