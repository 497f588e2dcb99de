"""Every exception that ollama_nb raises on purpose.

The HTTP status is an attribute of the class and the wire text is made by the class, so that the
pair a client sees cannot drift between the routes and the magics (reference: Ollama API, errors).

    OllamaError                    500
      BadRequest                   400
        MissingBody                400
        InvalidName                400
        InvalidDuration            400
        InvalidDigest              400
        DigestMismatch             400
        UnsupportedCapability      400
        ContextTooLong             400
        InvalidModelfile           400   with the line
        UnusableFiles              400   files on disk that no model can be made of
        UsageProblem               400   a magic's or command's line that does not parse
      Forbidden                    403
      NotFound                     404
        ModelNotFound              404
        UnknownRoute               404   answered as plain text
      MethodNotAllowed             405   answered as plain text
      BodyTooLarge                 413
      UnreadableBody               415
      TooManyRequests              429
      HeadersTooLarge              431
      Cancelled                    499
      InvalidOption                500   (sic: Ollama answers wrong option types so)
      InvalidFormat                500
      BlobNotFound                 500   (sic: create answers so)
      StoreError                   500   a manifest or blob that cannot be read or written
        ReadOnlyStore              403
        DiskFull                   507
      RegistryError                500   a registry said no, or something that cannot be used
        RegistryUnreachable        500
        RegistryStalled            500
        RegistryRefused            500   it answered with a status
          NotInRegistry            500   (sic, for pull and push alike)
          AccessDenied             500
        UnusableAnswer             500
        UnsafeAddress              500   where its answers lead to is not gone to
          InsecureProtocol         500
        ManifestNotPulled          500
        SpoiledDownload            500
        RetriesExceeded            500
        UnusableKey                500
      Unconvertible                500   a checkpoint of which no GGUF file can be made
        MalformedSafetensors       500
      EngineError                  500   the native library refused or failed
        LoadFailed                 500
          MalformedGGUF            500
      Busy                         503
        TooManyConnections         503
"""

import http
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


class MissingBody(BadRequest):
    """A request without the JSON that it needs."""

    def __init__(self) -> None:
        super().__init__("missing request body")


class InvalidName(BadRequest):
    """A model name outside the grammar."""

    def __init__(self, text: str = "invalid model name") -> None:
        super().__init__(text)

    @classmethod
    def named(cls, what: str, text: str) -> "InvalidName":
        """For copy and delete: which of the names (``source``, …), and as it was sent."""
        return cls(f'{what} "{text}" is invalid')


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


class InvalidModelfile(BadRequest):
    """A Modelfile that does not parse, or defines nothing that could be made.

    ``line`` is the one to look at, from 1 on; 0 where the fault is in none.
    """

    def __init__(self, text: str, line: int = 0, ollamas_line: int = 0) -> None:
        number = ollamas_line or line
        text = text if len(text) <= 400 else f"{text[:400]}…"  # it quotes what others wrote
        super().__init__(f"(line {number}): {text}" if number else text)
        self.line = line

    @classmethod
    def command(cls, words: tuple[str, ...], line: int, ollamas_line: int) -> "InvalidModelfile":
        """For a line that begins with no instruction."""
        return cls(f"command must be one of {_one_of(words)}", line, ollamas_line)

    @classmethod
    def role(cls, words: tuple[str, ...], line: int, ollamas_line: int) -> "InvalidModelfile":
        """For a MESSAGE of somebody else."""
        return cls(f"message role must be one of {_one_of(words)}", line, ollamas_line)


def _one_of(words: tuple[str, ...]) -> str:
    *most, last = (f'"{word}"' for word in words)
    return f"{', '.join(most)}, or {last}"


class UnusableFiles(BadRequest):
    """Files on disk of which no model can be made. The text names them as they were given."""

    @classmethod
    def insecure(cls, name: str, target: str) -> "UnusableFiles":
        """For what leads out of the directory that is read."""
        hint = (
            "; it is a link into a download cache: download to a directory of its own "
            "(with --local-dir) and use that"
        )
        return cls(f"insecure path: {name}{hint if '.cache' in target.split('/') else ''}")

    @classmethod
    def special(cls, name: str) -> "UnusableFiles":
        """For devices, pipes, sockets."""
        return cls(f"{name} is not a regular file")

    @classmethod
    def unreadable(cls, name: str, cause: Exception) -> "UnusableFiles":
        """For what the system does not let us read; pathlib has its own words for link circles."""
        reason = cause.strerror if isinstance(cause, OSError) else "there is no such path"
        return cls(f"{name} cannot be read: {reason}")


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

    @classmethod
    def to_copy(cls, name: str) -> "ModelNotFound":
        """For copy."""
        error = cls(name)
        error.args = (f'model "{name}" not found',)
        return error


class BlobNotFound(OllamaError):
    """A digest that no blob of the store has."""

    def __init__(self, digest: str) -> None:
        super().__init__(f'blob "{digest}" not found')


class UnknownRoute(NotFound):
    """No route has this path."""

    def __init__(self) -> None:
        super().__init__("404 page not found")


class MethodNotAllowed(OllamaError):
    """The path exists, its method does not; ``allowed`` are those that do, where they are known."""

    status = 405

    def __init__(self, *allowed: str) -> None:
        super().__init__("405 method not allowed")
        self.allowed = allowed


class BodyTooLarge(OllamaError):
    """A JSON body above the limit."""

    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body is larger than {limit >> 20} MiB")


class UnreadableBody(OllamaError):
    """A body in a form that is not read: compressed, multipart, or not JSON where it must be."""

    status = 415


class TooManyRequests(OllamaError):
    """A user of a shared server has as many requests at work as one may have."""

    status = 429

    def __init__(self, most: int) -> None:
        super().__init__(f"too many requests at once: a user may have {most}")


class HeadersTooLarge(OllamaError):
    """Request headers above the limit."""

    status = 431

    def __init__(self, limit: int) -> None:
        super().__init__(f"request headers are larger than {limit >> 10} KiB")


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


class RegistryError(OllamaError):
    """A registry said no, or something that cannot be used."""


class RegistryUnreachable(RegistryError):
    """No connection, or one that broke off."""

    def __init__(self, host: str, why: object) -> None:
        super().__init__(f"cannot reach {host}: {why or 'the connection broke off'}")


class RegistryStalled(RegistryError):
    """A connection on which nothing moves, or hardly anything."""

    def __init__(self, host: str, what: str) -> None:
        super().__init__(f"{host} stalled: {what}")


class RegistryRefused(RegistryError):
    """An answer with a status from 400 on.

    ``wait``: in how many seconds to come again, if it said so. ``elsewhere``: it came from where
    the registry had led us, perhaps by a link that is no longer good.
    """

    def __init__(
        self, code: int, body: str = "", wait: float | None = None, *, elsewhere: bool = False
    ) -> None:
        super().__init__(f"{code}: {body}" if body else f"{code}")
        self.code = code
        self.body = body
        self.wait = wait
        self.elsewhere = elsewhere

    def of_upload(self) -> "RegistryRefused":
        """The same in the words that pushes use for blobs."""
        known = self.code in http.HTTPStatus.__members__.values()
        phrase = f" {http.HTTPStatus(self.code).phrase}" if known else ""
        self.args = (f"http status {self.code}{phrase}: {self.body}",)
        return self


class NotInRegistry(RegistryRefused):
    """404, in Ollama's words."""

    def __init__(self) -> None:
        super().__init__(404)
        self.args = ("file does not exist",)


class AccessDenied(RegistryRefused):
    """401 in spite of a token, or no token."""

    def __init__(self, text: str = "unauthorized: access denied") -> None:
        super().__init__(401)
        self.args = (text,)


class UnusableAnswer(RegistryError):
    """A registry does not keep to the protocol."""

    def __init__(self, host: str, what: str) -> None:
        super().__init__(f"{host} gave an answer that cannot be used: {what}")


class UnsafeAddress(RegistryError):
    """A registry leads where its answers must not lead us."""

    @classmethod
    def inside(cls, host: str) -> "UnsafeAddress":
        """For an address of this machine or its network, given by a registry from outside."""
        return cls(f"redirected to {host}, an address inside this network, which is not followed")

    @classmethod
    def redirects(cls, most: int) -> "UnsafeAddress":
        """For more redirects than are followed."""
        return cls(f"maximum redirects exceeded ({most}) for directURL")

    @classmethod
    def realm(cls, realm: str, host: str) -> "UnsafeAddress":
        """For tokens that shall be fetched from somebody else."""
        return cls(f'realm host "{realm}" does not match original host "{host}"')


class InsecureProtocol(UnsafeAddress):
    """Plain HTTP, which was not asked for; or something that is no HTTP at all."""

    def __init__(self, scheme: str = "http") -> None:
        super().__init__(f"insecure protocol {scheme}")


class ManifestNotPulled(RegistryError):
    """What went wrong was the manifest."""

    def __init__(self, why: object) -> None:
        super().__init__(f"pull model manifest: {why}")


class SpoiledDownload(RegistryError):
    """Content that is not what its digest says, twice in a row."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(
            f"digest mismatch, file must be downloaded again: want {expected}, got {got}"
        )


class RetriesExceeded(RegistryError):
    """It was tried again and again, and the last failure was this."""

    def __init__(self, last: object) -> None:
        super().__init__(f"max retries exceeded: {last}")


class UnusableKey(RegistryError):
    """The key that proves to registries who we are."""

    def __init__(self, why: object) -> None:
        super().__init__(f"the key .ollama/id_ed25519 in the home folder cannot be used: {why}")


class Unconvertible(OllamaError):
    """A checkpoint of which no GGUF file can be made; in Ollama's words where it has some."""

    @classmethod
    def architecture(cls, name: str) -> "Unconvertible":
        """For a model of a kind that is not known here, or of no kind at all."""
        return cls(f'unsupported architecture "{name}"' if name else "unknown architecture")

    @classmethod
    def parse(cls, file: str, fault: object) -> "Unconvertible":
        """For config.json and its kin."""
        return cls(f"parse {file}: {fault}")

    @classmethod
    def tensor_format(cls) -> "Unconvertible":
        """For a checkpoint without safetensors."""
        return cls("unknown tensor format")

    @classmethod
    def tokenizer_format(cls, why: str = "") -> "Unconvertible":
        """For a tokenizer that cannot be read, or not be told in a GGUF."""
        return cls(f"unknown tokenizer format{why and f': {why}'}")

    @classmethod
    def duplicate(cls, tensor: str) -> "Unconvertible":
        """For a tensor that two files have."""
        return cls(f"duplicate tensor name '{tensor}' was found for this model")

    @classmethod
    def tensor(cls, name: str, fault: str) -> "Unconvertible":
        """For one that its model cannot have."""
        return cls(f"tensor '{name}': {fault}")


class MalformedSafetensors(Unconvertible):
    """A file whose header does not describe what follows it."""

    def __init__(self, file: str, fault: str) -> None:
        super().__init__(f"{file}: {fault}")


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


class Busy(OllamaError):
    """The queue is full."""

    status = 503

    def __init__(
        self, text: str = "server busy, please try again.  maximum pending requests exceeded"
    ) -> None:
        super().__init__(text)


class TooManyConnections(Busy):
    """Every connection that a server may have is at work."""

    def __init__(self, most: int) -> None:
        super().__init__(f"too many connections: all {most} are at work, please try again")
