"""Answers in every format that is read, and what is in them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ollama_nb.prompt.parsers import AnswerFormat, Call, Parsed, Parser, answer_format


def tool(name: str, **types: Any) -> dict[str, Any]:
    """A tool as on the wire; a type is a word or a schema."""
    properties = {
        key: {"type": kind} if isinstance(kind, str | list) else kind for key, kind in types.items()
    }
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [
    tool("get_weather", city="string", days="integer"),
    tool("get_weather_history", city="string"),
    tool("add", a="number", b="number"),
    tool("store", items="array", options="object", force="boolean", note=["string", "null"]),
    tool("ping"),
]


def parser_of(kind: AnswerFormat, **options: bool) -> Parser:
    """A parser for an answer with all tools on offer."""
    return kind.parser(TOOLS, **{"thinks": True, "inside": False, **options})


def read(parser: Parser, *pieces: str) -> Parsed:
    """All that the pieces of an answer contribute."""
    parts = [*map(parser.feed, pieces), parser.flush()]
    return Parsed(
        "".join(part.thinking for part in parts),
        "".join(part.text for part in parts),
        tuple(call for part in parts for call in part.calls),
    )


def read_all(kind: AnswerFormat, *pieces: str, **options: bool) -> Parsed:
    """The same with a parser of this format."""
    return read(parser_of(kind, **options), *pieces)


class Sample(NamedTuple):
    """An answer of a model with this parser in its config, or this Jinja text."""

    parser: str
    jinja: str
    answer: str
    parsed: Parsed

    @property
    def format(self) -> AnswerFormat:
        return answer_format(self.parser, None, self.jinja)

    def __str__(self) -> str:
        return f"{self.parser or self.jinja}: {self.answer}"


PARIS = Call("get_weather", {"city": "Paris", "days": 3})
LIMA = Call("get_weather_history", {"city": "Lima"})
SUM = Call("add", {"a": 1, "b": 2.5})
STORE = Call(
    "store", {"items": [1, "two"], "options": {"deep": {"x": None}}, "force": True, "note": "a\nb"}
)
PING = Call("ping", {})

_PARIS = '{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}'
_LIMA = '{"name": "get_weather_history", "parameters": {"city": "Lima"}}'


def _deepseek(words: str) -> str:
    return "<\uff5c" + words.replace(" ", "\u2581") + "\uff5c>"


_BEGIN, _END, _SEP = map(_deepseek, ("tool call begin", "tool call end", "tool sep"))
_ALL_BEGIN, _ALL_END = map(_deepseek, ("tool calls begin", "tool calls end"))


def _samples(
    parser: str, jinja: str, *rows: tuple[str, Parsed], make: Callable[[str], str] = str
) -> list[Sample]:
    return [Sample(parser, jinja, make(answer), parsed) for answer, parsed in rows]


SAMPLES = [
    *_samples("qwen3", "",
        (f"<tool_call>\n{_PARIS}\n</tool_call>", Parsed("", "", (PARIS,))),
        (f"<think>\nHm.\n</think>\n\nI look.\n<tool_call>\n{_PARIS}\n</tool_call>\n"
         f"<tool_call>{_LIMA}</tool_call>\nDone.",
         Parsed("Hm.\n", "I look.\nDone.", (PARIS, LIMA))),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "</tool_call>"}}</tool_call>',
         Parsed("", "", (Call("get_weather", {"city": "</tool_call>"}),))),
        ("<tool_call>{'name': 'ping', 'arguments': {}}</tool_call>", Parsed("", "", (PING,))),
        (f"The tag <tool_call> begins it: <tool_call>{_PARIS}</tool_call>",
         Parsed("", "The tag <tool_call> begins it: ", (PARIS,))),
        (f"<tool_call>{_PARIS[:-1]}</tool_call>", Parsed("", "", (PARIS,))),
        (f"<tool_call>[{_PARIS}, {_LIMA}]</tool_call>", Parsed("", "", (PARIS, LIMA))),
    ),
    *_samples("", "{{ '[TOOL_CALLS]' }}",
        (f"[TOOL_CALLS] [{_PARIS}, {_LIMA}]", Parsed("", "", (PARIS, LIMA))),
        (f"Well. [TOOL_CALLS][{_PARIS}] So.", Parsed("", "Well. So.", (PARIS,))),
    ),
    *_samples("ministral", "",
        ('[THINK]Hm.[/THINK]Yes.[TOOL_CALLS]get_weather[ARGS]{"city": "Paris", "days": 3}'
         '[TOOL_CALLS]get_weather_history[CALL_ID]abc123def[ARGS]{"city": "Lima"}',
         Parsed("Hm.", "Yes.", (PARIS, LIMA))),
        ("[TOOL_CALLS]ping[ARGS]{}", Parsed("", "", (PING,))),
        ("[TOOL_CALLS]ping{}", Parsed("", "", (PING,))),
    ),
    *_samples("", "<|python_tag|>",
        ('{"name": "add", "parameters": {"a": 1, "b": 2.5}}', Parsed("", "", (SUM,))),
        ('{"name": "add", "parameters": {"a": 1, "b": 2.5}}; {"name": "ping", "parameters": {}}',
         Parsed("", "", (SUM, PING))),
        ("[get_weather(city='Paris', days=3), ping()]", Parsed("", "", (PARIS, PING))),
        ("[get_weather('Paris', days=3)]", Parsed("", "", (PARIS,))),
        ('<|python_tag|>{"name": "add", "parameters": {"a": 1, "b": 2.5}}',
         Parsed("", "", (SUM,))),
        ('I see. <|python_tag|>get_weather.call(city="Paris", days=3)',
         Parsed("", "I see. ", (PARIS,))),
    ),
    *_samples("harmony", "",
        ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>"
         "Yes.<|return|>", Parsed("Hm.", "Yes.")),
        ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary"
         "<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather"
         ' <|constrain|>json<|message|>{"city": "Paris", "days": 3}<|call|>',
         Parsed("Hm.", "I look.", (PARIS,))),
        (' to=functions.get_weather_history<|channel|>commentary json<|message|>{"city":"Lima"}',
         Parsed("", "", (LIMA,))),
        ("Plain words.", Parsed("", "Plain words.")),
    ),
    *_samples("qwen3-coder", "",
        ("Yes.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n"
         "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
         Parsed("", "Yes.\n", (PARIS,))),
        ("<function=store>\n<parameter=items>\n[1, \"two\"]\n</parameter>\n<parameter=options>\n"
         '{"deep": {"x": null}}\n</parameter>\n<parameter=force>\nTrue\n</parameter>\n'
         "<parameter=note>\na\nb\n</parameter>\n</function>\n</tool_call>",
         Parsed("", "", (STORE,))),
        ("<tool_call><function=ping></function></tool_call>", Parsed("", "", (PING,))),
    ),
    *_samples("deepseek3", "",
        (f"<think>Hm.</think>Yes.{_ALL_BEGIN}{_BEGIN}get_weather{_SEP}"
         f'{{"city": "Paris", "days": 3}}{_END}'
         f'{_BEGIN}get_weather_history{_SEP}{{"city": "Lima"}}{_END}{_ALL_END}',
         Parsed("Hm.", "Yes.", (PARIS, LIMA))),
    ),
    *_samples("cogito", "",
        (f"{_ALL_BEGIN}{_BEGIN}function{_SEP}get_weather\n```json\n"
         f'{{"city": "Paris",\n "days": 3}}\n```{_END}{_ALL_END}', Parsed("", "", (PARIS,))),
    ),
    *_samples("glm-4.7", "",
        ("<think>Hm.</think>\nYes.\n<tool_call>get_weather\n<arg_key>city</arg_key>\n"
         "<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n"
         "</tool_call>", Parsed("Hm.", "Yes.\n", (PARIS,))),
        ("<tool_call>ping</tool_call>", Parsed("", "", (PING,))),
    ),
    *_samples("gemma4", "",
        ('<|channel>thought\nHm.<channel|>Yes.<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,'
         "days:3}<tool_call|>", Parsed("Hm.", "Yes.", (PARIS,))),
    ),
    *_samples("functiongemma", "",
        ("<start_function_call>call:get_weather{city:<escape>Paris<escape>,days:3}"
         "<end_function_call>", Parsed("", "", (PARIS,))),
        ("<start_function_call>call:store{items:[1,<escape>two<escape>],options:{deep:{x:null}},"
         "force:true,note:<escape>a\nb<escape>}<end_function_call>", Parsed("", "", (STORE,))),
    ),
    *_samples("", "```tool_code",
        ("Yes.\n```tool_code\nprint(get_weather(city=\"Paris\", days=3))\n```",
         Parsed("", "Yes.\n", (PARIS,))),
        (f"```json\n{_LIMA}\n```", Parsed("", "", (LIMA,))),
        ('```json\n{"a": 1}\n``` is it.', Parsed("", '```json\n{"a": 1}\n``` is it.')),
    ),
    *_samples("cohere", "",
        ('<|START_THINKING|>Hm.<|END_THINKING|><|START_ACTION|>[\n    {"tool_call_id": "0", '
         '"tool_name": "get_weather", "parameters": {"city": "Paris", "days": 3}}\n]'
         "<|END_ACTION|>", Parsed("Hm.", "", (PARIS,))),
        ("<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>",
         Parsed("Hm.", "Yes.")),
    ),
    *_samples("", "Action: ```json",
        ('Action: ```json\n[{"tool_name": "get_weather_history", "parameters": {"city": "Lima"}}]'
         "\n```", Parsed("", "", (LIMA,))),
    ),
    *_samples("", "<|tool_call|>",
        (f"<|tool_call|>[{_PARIS}, {_LIMA}]", Parsed("", "", (PARIS, LIMA))),
        (f"<|tool_call|>[{_PARIS}]<|/tool_call|>", Parsed("", "", (PARIS,))),
    ),
    *_samples("olmo3-think", "",
        ('<think>Hm.</think>Yes.<function_calls>get_weather(city="Paris", days=3)\nping()'
         "</function_calls>", Parsed("Hm.", "Yes.", (PARIS, PING))),
    ),
    *_samples("lfm2", "",
        ('<|tool_call_start|>[get_weather(city="Paris", days=3)]<|tool_call_end|>Yes.',
         Parsed("", "Yes.", (PARIS,))),
        ("<|tool_call_start|>[store(items=[1, 'two'], options={'deep': {'x': None}}, force=True, "
         "note='a\\nb')]<|tool_call_end|>", Parsed("", "", (STORE,))),
        (f"<|tool_call_start|>[{_PARIS}]<|tool_call_end|>", Parsed("", "", (PARIS,))),
    ),
    *_samples("nemotron-3-nano", "",
        ("<think>\nHm.\n</think>\n<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n"
         "<parameter=b>\n2.5\n</parameter>\n</function>\n</tool_call>\n",
         Parsed("Hm.\n", "", (SUM,))),
    ),
    *_samples("", "",
        (_PARIS, Parsed("", "", (PARIS,))),
        (f" \n{_LIMA}\nSo.", Parsed("", "So.", (LIMA,))),
        (f"So: {_PARIS}", Parsed("", f"So: {_PARIS}")),
        ('{"answer": {"name": "nobody", "arguments": {}}} So.',
         Parsed("", '{"answer": {"name": "nobody", "arguments": {}}} So.')),
    ),
]  # fmt: skip
