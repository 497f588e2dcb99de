# ruff: noqa: E501 - templates are longer than lines
"""Where Go's templates differ from what a Python programmer expects (models, 5.2)."""

import math

import pytest

from ollama_nb.prompt.go_template import TemplateError, parse_template
from ollama_nb.prompt.go_template.values import JsonList, JsonMap, NamesList, Struct

DATA = {
    "Text": "héllo", "Empty": "", "Zero": 0, "Half": 0.5, "Three": 3.0, "Million": 1e6,
    "Huge": 1e21, "Yes": True, "No": False, "Nil": None, "Negative": -1,
    "List": ["a", 1, True, None], "Map": {"b": 1, "a": "x"}, "D": {"x": {"y": "z"}},
    "Struct": Struct("api.Message", {"Role": "user", "Content": ""}, dict),
}  # fmt: skip


def render(source, **more):
    return parse_template(source).render(DATA | more)


def failure(source):
    with pytest.raises(TemplateError) as caught:
        render(source)
    return caught.value.detail


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (".Missing", "<no value>"), (".Nil", "<no value>"), (".Yes", "true"), (".Three", "3"),
        (".Million", "1e+06"), (".Huge", "1e+21"), (".Half", "0.5"), (".List", "[a 1 true <nil>]"),
        (".Map", "map[a:x b:1]"), ("print .Nil", "<nil>"), ("print 1 2 `a` 3", "1 2a3"),
        ("println `a` 1", "a 1\n"), ("'a'", "97"), ("0x1F", "31"), ("1e3", "1000"),
        (".Struct", "{user }"), ("json .Map", '{"a":"x","b":1}'), ("1i", "(0+1i)"),
        ('json "<a&b>\u2028"', '"\\u003ca\\u0026b\\u003e\\u2028"'), ("json .Nil", "null"),
        ("json 0.0000001", "1e-7"), ("json .Huge", "1e+21"), ("json .Three", "3"),
        ('printf "%5.1f|%-4d|%q|%v" 2.25 7 "x" nil', "  2.2|7   |\"x\"|<nil>"),
        ('printf "%d" "x"', "%!d(string=x)"), ('printf "%d"', "%!d(MISSING)"),
        ('printf "x" 1', "x%!(EXTRA int=1)"), ("html `<a>`", "&lt;a&gt;"),
        ("js `'<`", "\\'\\u003C"), ("urlquery `a b&`", "a+b%26"), ("`a` | printf `%s%s` `b`", "ba"),
    ],
)  # fmt: skip
def test_printing(value, text):
    assert render(f"{{{{ {value} }}}}") == text


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (".Empty", False), (".Zero", False), (".Missing", False), (".No", False), ("0.0", False),
        (".Negative", True), (".Struct", True), (".List", True), ("(slice .List 4)", False),
        ("not .Empty", True), ("and .Text .Zero", False), ("or .Empty .Text", True),
        ("eq .Text `a` `héllo`", True), ("ne 1 2", True), ("lt `a` `b`", True), ("ge 2 2", True),
        ("eq .Nil nil", True), ("eq .Nil `x`", False), ("eq .Three 3.0", True),
    ],
)  # fmt: skip
def test_truth(value, truth):
    assert render(f"{{{{ if {value} }}}}yes{{{{ else }}}}no{{{{ end }}}}") == ["no", "yes"][truth]


def test_and_and_or_return_an_operand_and_look_no_further_than_they_must():
    assert render("{{ or .Empty .Text }} {{ and .Text .Zero }}") == "héllo 0"
    assert render("{{ or .Text .D.zz.yy }}{{ and .No .D.zz.yy }}") == "héllofalse"


def test_strings_are_bytes():
    assert render("{{ len .Text }} {{ index .Text 1 }} {{ slice .Text 0 1 }}") == "6 195 h"
    assert render("{{ slice .Text 0 2 }}") == "h\ufffd"
    assert render("{{ slice .Text 0 2 }}{{ slice .Text 2 }}") == "héllo"
    assert render('{{ "\\xc3\\xa9" }}') == "é"


def test_loops():
    assert render("{{ range $k, $v := .Map }}{{ $k }}={{ $v }};{{ end }}") == "a=x;b=1;"
    assert (
        render("{{ range $i, $_ := .List }}{{ $i }}{{ . }} {{ end }}") == "0a 11 2true 3<no value> "
    )
    assert render("{{ range .Missing }}x{{ else }}none{{ end }}") == "none"
    source = "{{ range .List }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ . }}{{ if eq . true }}"
    assert render("{{ range 3 }}{{ . }}{{ end }}") == "012"
    with pytest.raises(TemplateError, match="incompatible types"):
        render(source + "{{ break }}{{ end }}{{ end }}")


def test_break_and_continue():
    source = "{{ range .L }}{{ if eq . 2 }}{{ continue }}{{ else if eq . 4 }}{{ break }}{{ end }}"
    assert render(source + "{{ . }}{{ end }}!", L=[1, 2, 3, 4, 5]) == "13!"


def test_variables_end_with_their_block_and_assignment_reaches_out():
    assert render("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}") == "21"
    assert render("{{ $x := 1 }}{{ range .List }}{{ $x = . }}{{ end }}{{ $x }}") == "<no value>"
    assert render("{{ with $y := .Text }}{{ $y }}{{ $.Zero }}{{ . }}{{ end }}") == "héllo0héllo"
    assert "undefined variable" in failure("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}")


def test_with_and_its_else():
    assert render("{{ with .D.x }}{{ .y }}{{ end }}") == "z"
    assert render("{{ with .Empty }}a{{ else with .Text }}{{ . }}{{ else }}b{{ end }}") == "héllo"


def test_trim_markers_and_comments():
    assert render("a \n {{- /* gone */ -}} \r\n b {{- 1 -}} c") == "ab1c"
    assert render("a {{-3}}") == "a -3"
    assert render("{{ `{{` }}x{{ `}}` }}") == "{{x}}"


def test_templates_in_a_template():
    source = '{{ define "T" }}<{{ . }}{{ $ }}>{{ end }}{{ template "T" .Zero }}{{ block "B" 1 }}{{ . }}{{ end }}'
    assert render(source) == "<00>1"
    assert "not defined" in failure('{{ template "None" . }}')
    assert "exceeded maximum template depth" in failure(
        '{{ define "R" }}{{ template "R" . }}{{ end }}{{ template "R" . }}'
    )


def test_a_missing_key_is_nil_and_has_no_fields():
    assert render("{{ .D.zz }}") == "<no value>"
    assert failure("{{ .D.zz.yy }}") == (
        'template: :1:5: executing "" at <.D.zz.yy>: nil pointer evaluating interface {}.yy'
    )
    assert render("{{ $x := .D.zz }}{{ $x.yy }}") == "<no value>"
    assert "can't evaluate field Foo in type api.Message" in failure("{{ .Struct.Foo }}")
    assert "can't evaluate field x in type" in failure("{{ .Three.x }}")


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("{{ eq .Half 1 }}", "incompatible types for comparison: float64 and int"),
        ("{{ lt .List .List }}", "invalid type for comparison"),
        ("{{ eq .List .List }}", "non-comparable type"),
        ("{{ index .List 9 }}", "index out of range: 9"),
        ("{{ slice .List 3 1 }}", "invalid slice index: 3 > 1"),
        ("{{ range .Text }}{{ end }}", "range can't iterate over héllo"),
        ("{{ range .Half }}{{ end }}", "range can't iterate over 0.5"),
        ("{{ len 3 }}", "len of type int"), ("{{ len .Nil }}", "len of nil pointer"),
        ("{{ .Text 1 }}", "Text is not a method but has arguments"),
        ("{{ 1 2 }}", "can't give argument to non-function 1"),
        ("{{ not }}", "wrong number of args for not: want 1 got 0"),
        ("{{ printf 1 }}", "expected string; found 1"), ("{{ nil }}", "nil is not a command"),
        ("{{ call .Text }}", "non-function .Text of type string"),
        ("\n\n{{ index 1 1 }}", ":3:3: executing"), ("{{ 18446744073709551615 }}", "overflows int"),
    ],
)  # fmt: skip
def test_what_fails_when_it_runs(source, error):
    assert error in failure(source)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("{{ Prompt }}", 'template: :1: function "Prompt" not defined'),
        ("\n{{ if .A }}", "template: :2: unexpected EOF"), ("{{ .A", "template: :1: unclosed action"),
        ("{{ .A\n\n", "template: :3: unclosed action started at :1"),
        ("{{ end }}", "template: :1: unexpected {{end}}"), ("{{ else }}", "unexpected {{else}}"),
        ("{{ $x }}", 'template: :1: undefined variable "$x"'), ("{{ }}", "missing value for command"),
        ("{{ if }}{{ end }}", "missing value for if"), ("{{ (1 }}", "unclosed left paren"),
        ("{{ 1) }}", "unexpected right paren"), ("{{/* a", "unclosed comment"),
        ('{{ "a }}', "unterminated quoted string"), ("{{ break }}", "{{break}} outside {{range}}"),
        ("{{ 1 | 2 }}", "non executable command in pipeline stage 2"),
        ("{{ $a, $b := 1 }}", "too many declarations in command"), ("{{ 08 }}", "integer overflow"), ("{{ 0x }}", "illegal number"),
        ("{{ 99999999999999999999 }}", "integer overflow"), ("{{ .A!b }}", "bad character U+0021 '!'"),
        ('{{ "\\z" }}', "invalid syntax"), ("{{ true.x }}", "unexpected . after term"),
        ('{{ define "a" }}x{{ end }}{{ define "a" }}y{{ end }}', "multiple definition of template"),
        ("{{ if 1 }}{{ else }}{{ else }}{{ end }}", "expected end; found {{else}}"),
        ("{{ define a }}{{ end }}", 'unexpected "a" in define clause'),
    ],
)  # fmt: skip
def test_what_does_not_parse(source, error):
    with pytest.raises(TemplateError) as caught:
        parse_template(source)
    assert error in caught.value.detail
    assert str(caught.value) == f"template error: {caught.value.detail}"


def test_types_that_print_as_json():
    tools = JsonList([Struct("api.Tool", {}, lambda: {"type": "function"}, prints_json=True)])
    assert render("{{ .T }}{{ range .T }}{{ . }}{{ end }}", T=tools) == (
        '[{"type":"function"}]{"type":"function"}'
    )
    assert render(
        "{{ .A }}{{ range $k, $v := .A }}{{ $k }}{{ $v }}{{ end }}", A=JsonMap(z=1.0)
    ) == ('{"z":1}z1')
    assert render("{{ .A }}", A=JsonMap()) == "{}"
    assert render("<{{ .A }}>", A=JsonMap(z=math.inf)) == "<>"
    assert render("{{ .T }} {{ json .T }}", T=NamesList(["string"])) == 'string "string"'
    assert render("{{ .T }} {{ json .T }}", T=NamesList(["a", "b"])) == '[a b] ["a","b"]'


def test_ollamas_functions():
    today = render("{{ currentDate }} {{ yesterdayDate `x` }}").split()
    assert [len(day) for day in today] == [10, 10]
    assert today[1] < today[0]
    properties = {
        (): "any", ("string",): "string", ("integer", "null"): "number | null",
        ("array",): "any[]", ("object",): "Record<string, any>", ("date",): "any",
    }  # fmt: skip
    for names, expected in properties.items():
        value = Struct("api.ToolProperty", {"AnyOf": [], "Type": NamesList(names)}, dict)
        assert render("{{ toTypeScriptType .P }}", P=value) == expected
