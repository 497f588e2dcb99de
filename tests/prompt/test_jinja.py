"""Chat templates in their sandbox (models, 5.8; rule S21; limits of faults, 5)."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_nb.prompt.jinja import RefusedByTemplate, TemplateFailed, render_jinja

MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "<Hi> & 'you' é😀"},
]


def render(source, **variables):
    return render_jinja(source, {"messages": MESSAGES} | variables)


def test_a_chat_template_as_models_have_it():
    source = """
{%- for message in messages %}
    {%- if loop.first and message.role == 'system' %}{% continue %}{% endif %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message.content | trim + '<|im_end|>' }}
{% endfor %}
{% if add_generation_prompt %}
<|im_start|>assistant
{% endif %}"""
    rendered = render(source, add_generation_prompt=True)
    assert rendered == ("<|im_start|>user\n<Hi> & 'you' é😀<|im_end|>\n<|im_start|>assistant\n")


def test_loops_know_where_they_are():
    source = "{% for x in 'abc' %}{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% endfor %}"
    assert render(source) == "1/3False 2/3False 3/3True "


def test_blocks_are_trimmed_as_transformers_does():
    assert render("  {% if true %}\nx\n  {% endif %}\ny") == "x\ny"


def test_break_and_continue():
    source = "{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}"
    assert render(source + "{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}") == "02"


def test_tojson_leaves_html_and_foreign_letters_alone():
    value = {"a": "<é&'>", "b": [1, None, True]}
    assert render("{{ v | tojson }}", v=value) == '{"a": "<é&\'>", "b": [1, null, true]}'
    assert render("{{ v | tojson(indent=1) }}", v={"a": 1}) == '{\n "a": 1\n}'
    assert render("{{ v | tojson(ensure_ascii=False) }}", v="é") == '"é"'
    assert render(
        "{{ v | tojson(sort_keys=True, separators=(',', ':')) }}", v={"b": 1, "a": 2}
    ) == ('{"a":2,"b":1}')


def test_text_is_not_escaped():
    assert render("{{ messages[1].content }}") == MESSAGES[1]["content"]


def test_what_a_template_refuses_is_the_requests_fault_in_the_templates_words():
    with pytest.raises(RefusedByTemplate, match="roles must alternate") as caught:
        render("{{ raise_exception('roles must alternate') }}")
    assert caught.value.status == 400


def test_strftime_now_gives_the_year():
    assert render("{{ strftime_now('%Y') }}") == time.strftime("%Y")


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.__class__.__init__.__globals__ }}",
    "{{ raise_exception.__globals__['json'] }}",
    "{{ raise_exception.__code__.co_code }}",
    "{{ strftime_now.__globals__ }}",
    "{{ ''|attr('__class__')|attr('__mro__') }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__.os }}",
    "{{ namespace.__init__.__globals__.os }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context.environment }}",
    "{{ '{0.__class__.__mro__}'.format(1) }}",
    "{{ '{x.__class__.__mro__}'.format_map({'x': 1}) }}",
    "{% set f = '{0.__class__.__mro__}'.format %}{{ f(1) }}",
    "{{ (''.format)('x').__class__.__mro__ }}",
    "{{ ['{0.__class__.__mro__}'.format]|map('call', 1)|list }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ messages.append(1) }}",
    "{{ messages.clear() }}",
    "{{ messages[0].update({'role': 'x'}) }}",
    "{{ messages[0].pop('role') }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% extends '/etc/passwd' %}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_escapes_from_the_sandbox_are_refused(source):
    messages = [dict(message) for message in MESSAGES]
    with suppress(TemplateFailed):
        assert render(source, messages=messages) == ""
    assert messages == MESSAGES


ENDLESS = {
    "output": "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "a loop without output": "{% for i in range(99999) %}{% for j in range(99999) %}"
    "{% endfor %}{% endfor %}",
    "a filtered loop": "{% for i in range(99999) %}{% for j in range(99999) if j < 0 %}"
    "{% endfor %}{% endfor %}",
    "a loop that asks for its length": "{% for i in range(99999) %}{% for j in range(99999) %}"
    "{% if loop.length %}{% endif %}{% endfor %}{% endfor %}",
    "recursion in width": "{% for i in range(9) recursive %}{% set x = loop(range(9)) %}"
    "{% endfor %}",
    "macros that call each other": "{% macro f(n) %}{% if n %}{% set x = f(n - 1) ~ f(n - 1) %}"
    "{% endif %}{% endmacro %}{{ f(40) }}",
    "endless recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "doubling by +": "{% set n = namespace(x='x') %}{% for i in range(99) %}"
    "{% set n.x = n.x + n.x %}{% endfor %}",
    "doubling by ~": "{% set n = namespace(x='x') %}{% for i in range(99) %}"
    "{% set n.x = n.x ~ n.x %}{% endfor %}",
    "doubling lists": "{% set n = namespace(x=[1]) %}{% for i in range(99) %}"
    "{% set n.x = n.x + n.x %}{% endfor %}",
    "doubling blocks": "{% set n = namespace(x='x') %}{% for i in range(99) %}"
    "{% set b %}{{ n.x }}{{ n.x }}{% endset %}{% set n.x = b %}{% endfor %}",
    "a repeated text": "{% set x = 'x' * 10000000000 %}",
    "a repeated list": "{% set x = 10000000000 * [0] %}",
    "a huge power": "{% set x = 10 ** (10 ** 8) %}",
    "growing numbers": "{% set n = namespace(x=3) %}{% for i in range(99) %}"
    "{% set n.x = n.x * n.x %}{% endfor %}",
    "a huge range": "{% for i in range(10000000000) %}{% endfor %}",
    "a wide filter": "{{ 'x' | center(100000000000000) }}",
    "a long source": "x" * (1 << 20) + "y",
    "many nested loops": "{% for i in 'a' %}" * 30 + "{% endfor %}" * 30,
    "many brackets": "{{" + "(" * 5000 + "1" + ")" * 5000 + "}}",
}


@pytest.mark.parametrize("case", ENDLESS)
def test_what_would_not_end_or_not_fit_is_stopped(case):
    started = time.process_time()
    with pytest.raises(TemplateFailed):
        render(ENDLESS[case])
    assert time.process_time() - started < 10


def test_ten_thousand_messages_are_well_within_the_bounds():
    source = "{% for m in messages %}{{ m.role + ': ' ~ m.content.strip() }}\n{% endfor %}"
    rendered = render(source, messages=MESSAGES * 5000)
    assert rendered.count("\n") == 10_000


BROKEN = [
    "{{ 1 / 0 }}", "{{ x.y.z }}", "{{ 5 | dictsort }}", "{{ none + 1 }}", "{{ cycler() }}",
    "{{ undefined_function() }}", "{{ 'a' | no_such_filter }}", "{% no_such_tag %}", "{{", "{% if",
    "{% endfor %}", "{{ raise_exception() }}", "{{ strftime_now(5) }}", "{{ 10.0 ** 1000 }}",
    "{{ ''.join([1]) }}", "{{ messages[0] | tojson(5, 5, 5, 5, 5, 5) }}", "{% set x.y = 1 %}",
    "{% for x in 5 %}{% endfor %}", "{% for x in none %}{% endfor %}", "{{ messages | sort }}",
]  # fmt: skip


@pytest.mark.parametrize("source", BROKEN)
def test_a_broken_template_says_what_is_wrong(source):
    with pytest.raises(TemplateFailed, match=r"^template error: \S"):
        render(source)


FRAGMENTS = [
    "{{ ", " }}", "{% for x in ", "{% endfor %}", "{% if ", "{% else %}", "{% endif %}", " %}",
    "messages", "x", ".role", "[0]", " + ", " ~ ", " * ", "'a'", "9", "(", ")", "|", "length",
    "tojson", "range", "loop", "loop.last", "{% set x = ", "{% macro f() %}", "{% endmacro %}", "f",
    "{% break %}", "none", "{#", "#}", "{% raw %}", "\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))
def test_any_template_renders_or_fails(source):
    try:
        assert isinstance(render(source), str)
    except TemplateFailed as error:
        assert str(error).startswith("template error: ")  # noqa: PT017 - both outcomes are right


def test_half_a_surrogate_pair_is_replaced():
    assert render_jinja("a{{ '\\ud800' }}b", {}) == "a?b"
