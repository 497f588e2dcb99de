"""Types of fields that Python's own say too little about: Any with JSON types, str with a format.

Only the contract's description reads what they say (``http/openapi.py``). Reading a request does
not: a field of several JSON types is judged by the service, which owes each its own error text.
"""

from typing import Annotated, Any

from msgspec import Meta

SCHEMAS = "#/components/schemas/"
"""Where an OpenAPI description keeps the schemas that others refer to."""

ModelName = Annotated[
    str,
    Meta(description="A model's name: [host/][namespace/]model[:tag].", examples=["guide"]),
]
"""What a request is about, so that it has to be given, though each verb says by itself if not."""

KeepAlive = Annotated[
    Any,
    Meta(
        description="How long the model stays loaded afterwards: seconds, or a duration such as "
        '"10m" or "1h30m". 0 unloads it at once, a negative one keeps it for ever.',
        extra_json_schema={
            "anyOf": [
                {"type": "number"},
                {
                    "type": "string",
                    "pattern": r"^[+-]?(0|([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+)$",
                },
            ]
        },
    ),
]
"""Reference: Ollama API, 4.1."""

Think = Annotated[
    Any,
    Meta(
        description="Whether the model thinks before it answers, or how hard.",
        extra_json_schema={
            "anyOf": [{"type": "boolean"}, {"enum": ["low", "medium", "high", "max"]}]
        },
    ),
]
"""Reference: Ollama API, 8.1."""

Format = Annotated[
    Any,
    Meta(
        description='What the answer must be: "json" for any JSON object, or a JSON schema.',
        extra_json_schema={"anyOf": [{"enum": ["", "json"]}, {"type": "object"}]},
    ),
]
"""Reference: Ollama API, 8.3."""

Input = Annotated[
    Any,
    Meta(
        description="A text, or a list of texts.",
        extra_json_schema={
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        },
    ),
]
"""Reference: Ollama API, 9."""

ToolChoice = Annotated[
    Any,
    Meta(
        description="Whether the model may call a tool, must, or must call the one that is named.",
        extra_json_schema={
            "anyOf": [
                {"enum": ["none", "auto", "required"]},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": "function"},
                        "function": {
                            "type": "object",
                            "properties": {"name": {"type": "string"}},
                            "required": ["name"],
                        },
                    },
                    "required": ["type", "function"],
                },
            ]
        },
    ),
]

OptionMap = Annotated[dict[str, Any], Meta(extra_json_schema={"$ref": f"{SCHEMAS}Options"})]
"""The options by their names; it stays plain for the sake of ``Options.merge``."""

Image = Annotated[
    str,
    Meta(description="An image as base64.", extra_json_schema={"contentEncoding": "base64"}),
]

Time = Annotated[
    str, Meta(description="A time as in RFC 3339.", extra_json_schema={"format": "date-time"})
]
