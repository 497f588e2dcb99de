"""Tool calls: tools with random names, a request that fits one of them, the call, its result.

The model must copy what it is offered: names and parameters vary at random, values come from the
user's sentence. Half of the tools are invented from a verb, a noun and parameters, the others are
kinds that everybody tries first (weather, arithmetic, tables), see `tool_kinds.py`.
"""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from . import names
from .conversation import Call, Conversation, Tool
from .texts import words

VERBS = words("""get find fetch compute create send delete update convert search open close book
cancel
print sort count read write load export check measure estimate download rename plot reserve order
schedule translate validate archive publish track compare merge split lock start stop test""")

NOUNS = words("""report invoice ticket user file row column flight hotel message email recipe song
movie
customer product order account project meeting reminder playlist contract budget sensor device route
parcel photo chart note task event backup session record table query score grade lesson course
battery
lamp door engine camera printer server queue cluster experiment dataset sample signal image""")

PARAMETERS = words("""name id title color size mode format level source owner language currency
unit speed
amount count limit year age width height weight price percent duration start end page priority
verbose force recursive public urgent dry_run""")

_NUMERIC = set(
    words("""amount count limit year age width height weight price percent duration start
end page level id speed size priority""")
)
_BOOLEAN = set(words("verbose force recursive public urgent dry_run"))


@dataclass(frozen=True)
class Request:
    """A tool, what the user says, the call that answers, and the sentence that follows."""

    tool: Tool
    sentence: str
    calls: tuple[Call, ...]
    results: tuple[str, ...] = ()
    reply: str = ""
    topic: str = ""

    def clashes(self, other: "Request") -> bool:
        """Tell whether two tools could both answer the same sentence, or share their name."""
        one, two = self.topic, other.topic
        same_name = self.calls[0].name == other.calls[0].name
        return same_name or one.startswith(two) or two.startswith(one)


@dataclass
class Signature:
    """What a tool is called and takes; `types` maps parameters to JSON types."""

    name: str
    description: str
    types: dict[str, str]
    required: list[str] | None = None
    notes: dict[str, str] = field(default_factory=dict)

    def tool(self, rng: random.Random) -> Tool:
        """Return the tool's description as clients send it, in one of the usual shapes."""
        properties: dict[str, Any] = {}
        described = rng.random() < 0.5
        for name, kind in self.types.items():
            properties[name] = {"type": kind}
            if described:
                note = self.notes.get(name, f"The {name.replace('_', ' ')}")
                properties[name]["description"] = note
        required = list(self.types) if self.required is None else self.required
        schema: dict[str, Any] = {"type": "object"}
        if rng.random() < 0.5:
            schema |= {"properties": properties, "required": required}
        else:
            schema |= ({"required": required} if required else {}) | {"properties": properties}
        function = {"name": self.name, "description": self.description, "parameters": schema}
        return {"type": "function", "function": function}


def styled(parts: list[str], rng: random.Random) -> str:
    """Join parts to a function name: snake_case mostly, camelCase, one word."""
    style = rng.random()
    if style < 0.75:
        return "_".join(parts)
    if style < 0.9:
        return parts[0] + "".join(part.capitalize() for part in parts[1:])
    return "".join(parts)


def invented(rng: random.Random, *, fresh: bool) -> Request:
    """Return a request to a tool made of a random verb, noun and parameters."""
    while True:
        verb = rng.choice(VERBS) if rng.random() < 0.7 else names.syllables(rng, 2)
        noun = rng.choice(NOUNS) if rng.random() < 0.6 else names.syllables(rng, 2)
        if names.reserved(f"{verb} {noun}") == fresh:
            break
    name = styled([verb, noun], rng)
    types, values = _parameters(rng)
    article = "an" if noun[0] in "aeiou" else "a"
    description = rng.choice((
        f"{verb.capitalize()} {article} {noun}", f"{verb.capitalize()} the {noun}.",
        f"Use this to {verb} {article} {noun}.", f"{verb.capitalize()}s {noun}s",
    ))  # fmt: skip
    sentence = _sentence(verb, noun, name, values, rng)
    result = _result(rng)
    call = Call(name, values)
    tool = Signature(name, description, types).tool(rng)
    return Request(tool, sentence, (call,), (result,), f"The result of {name} is: {result}", noun)


def _parameters(rng: random.Random) -> tuple[dict[str, str], dict[str, Any]]:
    types: dict[str, str] = {}
    values: dict[str, Any] = {}
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        name = rng.choice(PARAMETERS) if rng.random() < 0.7 else names.word(rng)
        if name in _BOOLEAN:
            types[name], values[name] = "boolean", rng.random() < 0.6
        elif name in _NUMERIC or rng.random() < 0.2:
            value = names.number(rng)
            types[name] = "integer" if isinstance(value, int) and rng.random() < 0.7 else "number"
            values[name] = value
        else:
            types[name], values[name] = "string", _text_value(rng)
    return types, values


def _text_value(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.35:
        return names.word(rng)
    if kind < 0.5:
        return names.person(rng)
    if kind < 0.65:
        return names.place(rng)
    if kind < 0.75:
        return f"{names.word(rng)} {names.word(rng)}"
    if kind < 0.85:
        return f"{names.word(rng)}.{rng.choice(('csv', 'txt', 'png', 'json', 'py', 'parquet'))}"
    if kind < 0.93:
        return names.identifier(rng)
    return f"{rng.randint(2020, 2030)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _sentence(verb: str, noun: str, name: str, values: dict[str, Any], rng: random.Random) -> str:
    action = f"{verb} {rng.choice(('the', 'a', 'my', 'the', 'this'))} {noun}"
    if rng.random() < 0.15:
        action = rng.choice(("call ", "use ", "use the tool ", "run ")) + name
    parts = [_spoken(key, value, rng) for key, value in values.items()]
    if parts:
        joined = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
        action += rng.choice((" with ", " with ", ", ", " using ", " where ")) + joined
    frame = rng.choice((
        "{x}", "{x}.", "Please {x}.", "Can you {x}?", "Could you {x}?", "I want to {x}.",
        "{x} please",
        "I need you to {x}.", "Now {x}.", "{x} for me", "I'd like to {x}.", "Hi, please {x}",
    ))  # fmt: skip
    sentence = frame.replace("{x}", action)
    return sentence[0].upper() + sentence[1:] if rng.random() < 0.7 else sentence


def _spoken(key: str, value: Any, rng: random.Random) -> str:
    spoken = key.replace("_", " ") if rng.random() < 0.7 else key
    if value is True:
        return rng.choice((f"{spoken} on", f"{spoken} true", f"{spoken} enabled", f"{spoken}=true"))
    if value is False:
        return rng.choice((f"{spoken} off", f"{spoken} false", f"no {spoken}", f"{spoken}=false"))
    shown = f'"{value}"' if isinstance(value, str) and rng.random() < 0.3 else f"{value}"
    return rng.choice((f"{spoken} {shown}", f"{spoken} {shown}", f"the {spoken} {shown}",
                       f"{spoken}={shown}", f"{spoken} set to {shown}"))  # fmt: skip


def _result(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.3:
        return str(names.number(rng))
    if kind < 0.6:
        return f"{names.word(rng)} {names.word(rng)}"
    if kind < 0.75:
        return rng.choice(("ok", "done", "true", "false", "not found", "3 items", "saved"))
    return json.dumps({names.word(rng): rng.choice((names.number(rng), names.word(rng)))})


def offer(request: Request, rng: random.Random, others: list[Request]) -> list[Tool]:
    """Return the tools on offer: the fitting one among others that do not fit."""
    offered = [request]
    for other in others:
        if not any(other.clashes(one) for one in offered):
            offered.append(other)
    rng.shuffle(offered)
    return [one.tool for one in offered]


def converse(
    request: Request,
    tools: list[Tool],
    rng: random.Random,
    *,
    system: str = "",
    thinking: bool = False,
) -> Conversation:
    """Return the conversation: request, call, and often its result and the closing sentence."""
    talk = Conversation()
    talk.system(system, tools, compact=rng.random() < 0.5)
    talk.user(request.sentence)
    calls = "\n".join(call.text() for call in request.calls)
    talk.assistant(calls, thinking=_thought(request) if thinking else "")
    if request.reply and not thinking and rng.random() < 0.5:
        for result in request.results:
            talk.tool_response(result)
        talk.assistant(request.reply)
    return talk


def _thought(request: Request) -> str:
    call = request.calls[0]
    if not call.arguments:
        return f"The tool {call.name} fits. It needs no arguments."
    values = " and ".join(
        f"{key} is {json.dumps(value, ensure_ascii=False)}" for key, value in call.arguments.items()
    )
    return f"The tool {call.name} fits. Here {values}."
