# ruff: noqa: E501 - templates are longer than lines
"""Known templates: what each writes (models, 5.7), and the Jinja texts that they stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.prompt.chat_data import Message
from ollama_nb.prompt.chat_template import chat_template
from ollama_nb.recipes.known_templates import NAMES, known_template, recognise

USER = [Message("user", "U")]
CHAT = [
    Message("system", "S"), Message("user", "U"), Message("assistant", "A"), Message("user", "V"),
]  # fmt: skip
RENDERED = {
    "alfred": (
        "<start_user>U<end_message><start_assistant>",
        "<start_system>S<end_message><start_user>U<end_message><start_assistant>A<end_message><start_user>V<end_message><start_assistant>",
    ),
    "alpaca": (
        "### Instruction:⏎U⏎⏎### Response:⏎",
        "S⏎⏎### Instruction:⏎U⏎⏎### Response:⏎A⏎⏎### Instruction:⏎V⏎⏎### Response:⏎",
    ),
    "chatml": (
        "<|im_start|>user⏎U<|im_end|>⏎<|im_start|>assistant⏎",
        "<|im_start|>system⏎S<|im_end|>⏎<|im_start|>user⏎U<|im_end|>⏎<|im_start|>assistant⏎A<|im_end|>⏎<|im_start|>user⏎V<|im_end|>⏎<|im_start|>assistant⏎",
    ),
    "chatqa": (
        "User: U⏎⏎Assistant:",
        "System: S⏎⏎User: U⏎⏎Assistant: A⏎⏎User: V⏎⏎Assistant:",
    ),
    "codellama-70b-instruct": (
        "Source: user⏎⏎ U <step> Source: assistant⏎Destination: user⏎⏎ ",
        "Source: system⏎⏎ S <step> Source: user⏎⏎ U <step> Source: assistant⏎⏎ A <step> Source: user⏎⏎ V <step> Source: assistant⏎Destination: user⏎⏎ ",
    ),
    "command-r": (
        "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U<|END_OF_TURN_TOKEN|><|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>⏎",
        "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>U<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>A<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>V<|END_OF_TURN_TOKEN|><|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>⏎",
    ),
    "falcon-instruct": (
        "User:⏎U⏎Falcon:⏎",
        "System: S⏎User:⏎U⏎Falcon:⏎A⏎User:⏎V⏎Falcon:⏎",
    ),
    "gemma-instruct": (
        "<start_of_turn>user⏎U<end_of_turn>⏎<start_of_turn>model⏎",
        "<start_of_turn>user⏎S⏎U<end_of_turn>⏎<start_of_turn>model⏎A<end_of_turn>⏎<start_of_turn>user⏎V<end_of_turn>⏎<start_of_turn>model⏎",
    ),
    "gemma3-instruct": (
        "<start_of_turn>user⏎U<end_of_turn>⏎<start_of_turn>model⏎⏎",
        "<start_of_turn>user⏎S⏎⏎U<end_of_turn>⏎<start_of_turn>model⏎A<end_of_turn>⏎<start_of_turn>user⏎V<end_of_turn>⏎<start_of_turn>model⏎⏎",
    ),
    "granite-instruct": (
        "Question:⏎U⏎⏎Answer:⏎",
        "System:⏎S⏎⏎Question:⏎U⏎⏎Answer:⏎A⏎⏎Question:⏎V⏎⏎Answer:⏎",
    ),
    "llama2-chat": (
        "[INST] <<SYS>><</SYS>>⏎⏎U [/INST]",
        "[INST] <<SYS>>⏎S⏎<</SYS>>⏎⏎U [/INST] A</s><s>[INST] <<SYS>><</SYS>>⏎⏎V [/INST]",
    ),
    "llama3-instruct": (
        "<|start_header_id|>user<|end_header_id|>⏎⏎U<|eot_id|><|start_header_id|>assistant<|end_header_id|>⏎⏎",
        "<|start_header_id|>system<|end_header_id|>⏎⏎S<|eot_id|><|start_header_id|>user<|end_header_id|>⏎⏎U<|eot_id|><|start_header_id|>assistant<|end_header_id|>⏎⏎A<|eot_id|><|start_header_id|>user<|end_header_id|>⏎⏎V<|eot_id|><|start_header_id|>assistant<|end_header_id|>⏎⏎",
    ),
    "magicoder": (
        "@@ Instruction⏎U⏎⏎@@ Response⏎",
        "S⏎⏎@@ Instruction⏎U⏎⏎@@ Response⏎A⏎⏎@@ Instruction⏎V⏎⏎@@ Response⏎",
    ),
    "mistral-instruct": (
        "[INST] U[/INST]",
        "[INST] S⏎⏎U[/INST] A</s>[INST] V[/INST]",
    ),
    "openchat": (
        "GPT4 Correct User: U<|end_of_turn|>GPT4 Correct Assistant:",
        "GPT4 Correct System: S<|end_of_turn|>GPT4 Correct User: U<|end_of_turn|>GPT4 Correct Assistant: A<|end_of_turn|>GPT4 Correct User: V<|end_of_turn|>GPT4 Correct Assistant:",
    ),
    "phi-3": (
        "<|user|>⏎U<|end|>⏎<|assistant|>⏎",
        "<|system|>⏎S<|end|>⏎<|user|>⏎U<|end|>⏎<|assistant|>⏎A<|end|>⏎<|user|>⏎V<|end|>⏎<|assistant|>⏎",
    ),
    "solar-instruct": (
        "### User:⏎U⏎⏎### Assistant:⏎",
        "### System:⏎S⏎⏎### User:⏎U⏎⏎### Assistant:⏎A</s>⏎⏎### User:⏎V⏎⏎### Assistant:⏎",
    ),
    "starcoder2-instruct": (
        "### Instruction⏎U⏎⏎### Response⏎",
        "S⏎⏎### Instruction⏎U⏎⏎### Response⏎A<|endoftext|>⏎⏎### Instruction⏎V⏎⏎### Response⏎",
    ),
    "vicuna": (
        "USER: U⏎ASSISTANT:",
        "S⏎⏎USER: U⏎ASSISTANT: A</s>⏎USER: V⏎ASSISTANT:",
    ),
    "zephyr": (
        "<|user|>⏎U</s>⏎<|assistant|>⏎",
        "<|system|>⏎S</s>⏎<|user|>⏎U</s>⏎<|assistant|>⏎A</s>⏎<|user|>⏎V</s>⏎<|assistant|>⏎",
    ),
}  # fmt: skip


def rendered(name, messages, **more):
    return chat_template(known_template(name).text).render(messages, **more).replace("\n", "⏎")


@pytest.mark.parametrize("name", NAMES)
def test_every_template_writes_chats_as_its_models_know_them(name):
    user, chat = RENDERED[name]
    assert rendered(name, USER) == user
    assert rendered(name, CHAT) == chat


@pytest.mark.parametrize("name", sorted({*NAMES} - {"command-r"}))
def test_an_answer_that_was_begun_is_gone_on_with(name):
    text = rendered(name, [*CHAT, Message("assistant", "So")])
    assert text.endswith("So")
    assert RENDERED[name][1].rstrip("⏎ ").removesuffix("⏎Destination: user") in text


@pytest.mark.parametrize("name", NAMES)
def test_only_one_knows_tools_and_none_knows_thinking(name):
    template = chat_template(known_template(name).text)
    assert template.capabilities == (("tools",) if name == "command-r" else ())
    assert not template.can_think


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather", "description": "Tell the weather.",
        "parameters": {
            "type": "object", "required": ["place"],
            "properties": {"place": {"type": "string", "description": "Where?"}},
        },
    },
}  # fmt: skip
CALLS = [{"function": {"name": name, "arguments": {"place": name}}} for name in ("a", "b")]


def test_command_r_writes_tools_as_functions_of_python():
    text = rendered("command-r", CHAT[:2], tools=[WEATHER])
    assert text == (
        "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S⏎⏎## Available Tools⏎"
        "Each of your tools is a Python function:⏎⏎```python⏎"
        "def weather(place: string, ) -> List[Dict]:⏎    '''Tell the weather.⏎⏎    Args:⏎"
        "        place (string): Where?⏎    '''⏎    pass⏎```<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U<|END_OF_TURN_TOKEN|><|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>⏎"
    )
    alone = rendered("command-r", USER, tools=[WEATHER, WEATHER])
    assert alone.startswith("<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>## Available Tools⏎")
    assert "    pass⏎⏎def weather(" in alone


def test_command_r_writes_calls_as_a_list_and_answers_as_results():
    messages = [
        *USER, Message("assistant", tool_calls=CALLS), Message("tool", "sunny"),
        Message("tool", "rainy"),
    ]  # fmt: skip
    one = '    {{⏎        "tool_name": "{0}",⏎        "parameters": {{"place":"{0}"}}⏎    }}'
    result = "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|><results>⏎console_output: {}⏎</results>"
    assert rendered("command-r", messages, tools=[]) == (
        "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>⏎Action: ```json⏎[⏎"
        f"{one.format('a')},⏎{one.format('b')}⏎]```<|END_OF_TURN_TOKEN|>"
        f"{result.format('sunny')}<|END_OF_TURN_TOKEN|>{result.format('rainy')}"
        "<|END_OF_TURN_TOKEN|><|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>⏎"
    )


JINJA = "{{% for one in messages %}}{{{{ '{}' + one['content'] + '{}' }}}}{{% endfor %}}"
PARTS = {
    "alfred": ("<start_user>", "<end_message>"),
    "alpaca": ("### Instruction:", "### Response:"),
    "chatml": ("<|im_start|>user", "<|im_end|>"),
    "chatqa": ("User: ", "Assistant:"),
    "codellama-70b-instruct": ("Source: ", " <step> "),
    "command-r": ("<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
    "falcon-instruct": ("User: ", "Falcon:"),
    "gemma-instruct": ("<start_of_turn>", "<end_of_turn>"),
    "granite-instruct": ("Question:", "System:"),
    "llama2-chat": ("[INST] <<SYS>>", "<</SYS>> [/INST]"),
    "llama3-instruct": ("<|start_header_id|>user<|end_header_id|>", "<|eot_id|>"),
    "magicoder": ("@@ Instruction", "@@ Response"),
    "mistral-instruct": ("[INST]", "[/INST]"),
    "openchat": ("GPT4 Correct ", "<|end_of_turn|>"),
    "phi-3": ("<|user|>", "<|end|>"),
    "solar-instruct": ("### System:", "### User:"),
    "starcoder2-instruct": ("### Instruction", "### Response"),
    "zephyr": ("<|user|>", "<|assistant|>"),
}
KNOWN = {name: JINJA.format(*parts) for name, parts in PARTS.items()} | {
    "gemma3-instruct": JINJA.format("<start_of_turn>", "<end_of_turn>") + "{{ first_user_prefix }}"
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_jinja_text_is_recognised_by_its_marks(name):
    found = recognise(KNOWN[name])
    assert found == known_template(name)
    assert recognise("{{ bos_token }}" + KNOWN[name]) == found


@pytest.mark.parametrize(
    "more",
    [
        "{% for tool in tools %}{% endfor %}",
        "<think></think>",
        "{{ message.reasoning_content }}",
        "{#" + "-" * 2000 + "#}",
        "<|im_sep|>",
        "[AVAILABLE_TOOLS]",
        "[SYSTEM_PROMPT]",
    ],
)
@pytest.mark.parametrize("name", ["chatml", "mistral-instruct"])
def test_one_that_can_do_more_or_writes_other_control_tokens_is_not(name, more):
    assert recognise(KNOWN[name] + more) is None


def test_tokens_around_a_whole_text_make_no_difference():
    assert recognise("<|begin_of_text|>" + KNOWN["llama3-instruct"]).name == "llama3-instruct"
    assert recognise(KNOWN["alpaca"] + "<|EOT|>").name == "alpaca"


def test_what_has_no_mark_is_not_recognised():
    assert recognise("") is None
    assert recognise(JINJA.format("USER: ", "ASSISTANT: ")) is None


@given(st.lists(st.sampled_from([*sum(PARTS.values(), ()), "image", "<|x|>", "[Y]", "é"])))
def test_what_is_recognised_is_always_a_known_one(parts):
    found = recognise("".join(parts))
    assert found is None or found == known_template(found.name)
