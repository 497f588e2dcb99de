"""Every exception that ollama_nb raises on purpose.

The HTTP status is an attribute of the class and the wire text is made by the class, so that the
pair a client sees cannot drift between the routes and the magics (reference: Ollama API, errors).

    OllamaError                    500
      BadRequest                   400
        InvalidName                400
        InvalidDuration            400
        InvalidDigest              400
        DigestMismatch             400
        UnsupportedCapability      400
        ContextTooLong             400
        UsageProblem               400   a magic's or command's line that does not parse
      Forbidden                    403
      NotFound                     404
        ModelNotFound              404
        UnknownRoute               404   answered as plain text
      MethodNotAllowed             405   answered as plain text
      BodyTooLarge                 413
      UnreadableBody               415
      Cancelled                    499
      InvalidOption                500   (sic: Ollama answers wrong option types so)
      InvalidFormat                500
      StoreError                   500   a manifest or blob that cannot be read or written
        ReadOnlyStore              403
        DiskFull                   507
      EngineError                  500   the native library refused or failed
        LoadFailed                 500
          MalformedGGUF            500
      NotBuiltYet                  501   part of the contract that this version does not serve
      Busy                         503
"""

from typing import ClassVar


class OllamaError(Exception):
    """Base of all: ``str(error)`` is the text that goes over the wire."""

    status: ClassVar[int] = 500

    def _render_traceback_(self) -> list[str]:
        """Tell IPython to show one line.

        A real error output, unlike UsageError's, which nbval takes for a pass.
        """
        return [f"{type(self).__name__}: {self}"]


class BadRequest(OllamaError):
    """The request can never succeed as it stands."""

    status = 400


class InvalidName(BadRequest):
    """A model name outside the grammar."""

    def __init__(self) -> None:
        super().__init__("invalid model name")


class InvalidDuration(BadRequest):
    """A keep_alive that is no duration."""


class InvalidDigest(BadRequest):
    """Something that is not ``sha256:`` (or ``sha256-``) and 64 hexadecimal digits."""

    def __init__(self) -> None:
        super().__init__("invalid digest format")


class DigestMismatch(BadRequest):
    """Content that is not what its digest says."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f'digest mismatch, expected "{expected}", got "{got}"')


class UnsupportedCapability(BadRequest):
    """The model exists and cannot do what was asked."""

    @classmethod
    def verb(cls, model: str, verb: str) -> "UnsupportedCapability":
        """For generate, chat and thinking: the name as sent, in quotes."""
        return cls(f'"{model}" does not support {verb}')

    @classmethod
    def named(cls, full_name: str, *capabilities: str) -> "UnsupportedCapability":
        """For insert, tools and vision: the full name without quotes, one line for each."""
        return cls("\n".join(f"{full_name} does not support {item}" for item in capabilities))


class ContextTooLong(BadRequest):
    """The prompt does not fit and the request forbids cutting it."""

    def __init__(self) -> None:
        super().__init__(
            "the prompt is longer than the context length currently available to the model; "
            "shorten the prompt, adjust the context length in settings, or use a model with a "
            "longer context length"
        )


class UsageProblem(BadRequest):
    """A magic's line or a command's arguments that do not parse; the text says what would."""


class Forbidden(OllamaError):
    """Asked for something that this server does not offer to anybody, such as hosted models."""

    status = 403


class NotFound(OllamaError):
    """What was named does not exist."""

    status = 404


class ModelNotFound(NotFound):
    """No manifest has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"model '{name}' not found")
        self.name = name

    @classmethod
    def to_embed(cls, name: str) -> "ModelNotFound":
        """For embed and embeddings, whose clients look for this text."""
        error = cls(name)
        error.args = (f'model "{name}" not found, try pulling it first',)
        return error


class UnknownRoute(NotFound):
    """No route has this path."""

    def __init__(self) -> None:
        super().__init__("404 page not found")


class MethodNotAllowed(OllamaError):
    """The path exists, its method does not."""

    status = 405

    def __init__(self) -> None:
        super().__init__("405 method not allowed")


class BodyTooLarge(OllamaError):
    """A JSON body above the limit."""

    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body is larger than {limit >> 20} MiB")


class UnreadableBody(OllamaError):
    """A body in a form that is not read: compressed, multipart, or not JSON where it must be."""

    status = 415


class Cancelled(OllamaError):
    """The requester went away before the work was done."""

    status = 499

    def __init__(self) -> None:
        super().__init__("request canceled")


class InvalidOption(OllamaError):
    """An entry of ``options`` with the wrong type."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f'option "{name}" must be of {expected}')


class InvalidFormat(OllamaError):
    """A ``format`` that is neither ``"json"`` nor a schema."""

    def __init__(self, raw: str) -> None:
        super().__init__(f'invalid format: {raw}; expected "json" or a valid JSON Schema object')


class StoreError(OllamaError):
    """A manifest or blob that cannot be read or written."""


class ReadOnlyStore(StoreError):
    """The store, or this model's part of it, may be read and not changed."""

    status = 403

    def __init__(self, what: str = "the model store") -> None:
        super().__init__(
            f"{what} is read-only for this user; set OLLAMA_MODELS to a folder of your own to "
            "change models"
        )


class DiskFull(StoreError):
    """There is no room for what is to be written. Sizes in bytes, where they are known."""

    status = 507

    def __init__(self, needed: int = 0, free: int = 0) -> None:
        figures = f": {needed:,} bytes are needed and {free:,} are free" if needed else ""
        super().__init__(
            f"not enough disk space in the model store{figures}; remove models, or set "
            "OLLAMA_MODELS to a folder on another disk"
        )


class EngineError(OllamaError):
    """The native library refused or failed."""


class LoadFailed(EngineError):
    """A model file that could not be loaded."""

    def __init__(self, file: str, fault: str) -> None:
        super().__init__(f"failed to load model: {file}: {fault}")
        self.file = file
        self.fault = fault


class MalformedGGUF(LoadFailed):
    """A model file that the gate refused before native code saw it."""


class NotBuiltYet(OllamaError):
    """A part of Ollama's contract that this version of ollama_nb does not serve."""

    status = 501

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not supported by this version of ollama_nb")


class Busy(OllamaError):
    """The queue is full."""

    status = 503

    def __init__(self) -> None:
        super().__init__("server busy, please try again.  maximum pending requests exceeded")
