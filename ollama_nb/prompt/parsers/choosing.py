"""Which format a model's answers are in: as its config says, or as its template shows (6.3)."""

import re
from dataclasses import replace
from functools import lru_cache

from ollama_nb.prompt.chat_template import ChatTemplate
from ollama_nb.prompt.go_template import within_stack
from ollama_nb.prompt.go_template.analysis import text_of_call

from . import cohere, deepseek, gemma, mistral
from .bare import Bare
from .blocks import Blocks
from .coder_xml import CODER_XML
from .cohere import COHERE, COMMAND_R
from .deepseek import DEEPSEEK
from .gemma import FUNCTION_GEMMA, GEMMA_4, GEMMA_FENCED
from .generic import Tagged
from .glm import GLM
from .granite import GRANITE
from .harmony import HarmonyFormat
from .hermes import HERMES
from .json_calls import read_json_calls
from .llama import Llama
from .mistral import MISTRAL, MISTRAL_NAMED
from .parser import AnswerFormat
from .pythonic import LFM, OLMO
from .tagged_format import TAGS, CallSyntax, TaggedFormat

_NAMED: dict[str, AnswerFormat] = {
    "harmony": HarmonyFormat(),
    "passthrough": TaggedFormat(),
    "qwen3": TaggedFormat(HERMES, TAGS),
    "qwen3-thinking": TaggedFormat(HERMES, TAGS),
    "qwen3-vl-instruct": TaggedFormat(HERMES),
    "qwen3-vl-thinking": TaggedFormat(HERMES, TAGS),
    "qwen3.5": TaggedFormat(CODER_XML, TAGS),
    "ornith": TaggedFormat(CODER_XML, TAGS),
    "qwen3-coder": TaggedFormat(CODER_XML),
    "nemotron-3-nano": TaggedFormat(CODER_XML, TAGS),
    "deepseek3": TaggedFormat(DEEPSEEK, TAGS),
    "cogito": TaggedFormat(DEEPSEEK, TAGS),
    "ministral": TaggedFormat(MISTRAL_NAMED, mistral.THINKING_TAGS),
    "glm-4.7": TaggedFormat(GLM, TAGS),
    "glm46": TaggedFormat(GLM, TAGS),
    "gemma4": TaggedFormat(GEMMA_4, gemma.THINKING_TAGS),
    "functiongemma": TaggedFormat(FUNCTION_GEMMA),
    "olmo3": TaggedFormat(OLMO),
    "olmo3-think": TaggedFormat(OLMO, TAGS),
    "lfm2": TaggedFormat(LFM),
    "lfm2-thinking": TaggedFormat(LFM, TAGS),
    "cohere": TaggedFormat(COHERE, cohere.THINKING_TAGS),
}
_HARMONY_MARKS = ("<|channel|>", "<|start|>")
_MARKED: tuple[tuple[str, CallSyntax], ...] = (
    ("<start_function_call>", FUNCTION_GEMMA),
    ("<|tool_call>", GEMMA_4),
    ("<|START_ACTION|>", COHERE),
    ("<|tool_call|>", GRANITE),
    ("<function=", CODER_XML),
    ("<arg_key>", GLM),
    ("<tool_call>", HERMES),
    ("[ARGS]", MISTRAL_NAMED),
    ("[TOOL_CALLS]", MISTRAL),
    (deepseek.MARK, DEEPSEEK),
    ("<function_calls>", OLMO),
    ("<|tool_call_start|>", LFM),
    ("<|python_tag|>", Llama()),
    ("Action: ```json", COMMAND_R),
    ("```tool_code", GEMMA_FENCED),
)
"""What a template's text says of its calls; the first mark that is there counts."""
_TAGS = (TAGS, mistral.THINKING_TAGS, cohere.THINKING_TAGS, gemma.THINKING_TAGS)
_PARAMETERS = re.compile(r"""["']parameters\\?["']\s*:\s*["'{]""")


@lru_cache(maxsize=128)
def answer_format(parser: str, template: ChatTemplate | None, jinja: str) -> AnswerFormat:
    """Choose by the ``parser`` of the config, the Go template, the Jinja text, in this order.

    A parser that is not known counts as none. Raises TemplateError for a template that is nested
    too deeply.
    """
    if parser in _NAMED:
        return _NAMED[parser]
    if template is not None:
        return _of_template(template)
    if all(mark in jinja for mark in _HARMONY_MARKS):
        return HarmonyFormat()
    tags = next((tags for tags in _TAGS if all(tag in jinja for tag in tags)), None)
    bare = Bare("{", read_json_calls, _arguments_key(jinja))
    return TaggedFormat(_marked(jinja) or bare, tags)


def _of_template(template: ChatTemplate) -> AnswerFormat:
    source = template.template.source
    if all(mark in source for mark in _HARMONY_MARKS):
        return HarmonyFormat()
    with within_stack():
        text = text_of_call(template.template)
    before, _, after = text.partition("{")
    tag, key = before.strip(), _arguments_key(source)
    known = _marked(source)
    calls: CallSyntax
    if tag in ("", "["):
        calls = Bare(tag or "{", read_json_calls, key)
    elif isinstance(known, Blocks) and known.call_prefix:
        calls = replace(known, arguments_key=key)
    else:
        is_named = after.lstrip().startswith('"name"')
        calls = known or Tagged(tag, before if is_named else "", key)
    return TaggedFormat(calls, template.thinking_tags)


def _marked(text: str) -> CallSyntax | None:
    return next((calls for mark, calls in _MARKED if mark in text), None)


def _arguments_key(text: str) -> str:
    return "parameters" if _PARAMETERS.search(text) else "arguments"
