"""Random Go templates, mostly well-formed, over DATA; and Go itself to say what they give.

``python tests/support/go_templates.py FILE`` writes what Go says to a corpus of them; it needs
``go`` (1.24 or newer) on the path.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

DATA: dict[str, Any] = {
    "a": "x", "b": True, "z": 0, "n": 3, "f": 2.5, "g": 1e21, "s": "héllo <b>&'\"", "e": "",
    "l": [1, 2.5, None, "z", [1], {"k": "v"}], "el": [], "em": {}, "u": "日本", "t": 1e-7,
    "m": {"q": 1, "p": "two", "nil": None, "deep": {"x": {"y": "end"}}}, "neg": -5,
    "ms": [{"Role": "user", "Content": "hi"}, {"Role": "assistant", "Content": "yo"},
           {"Role": "tool"}],
    "fs": [0.1, 1e-5, 100000000.0, 3.0, 1e20], "big": 123456789,
}  # fmt: skip
_FIELDS = [
    "a",
    "b",
    "z",
    "n",
    "f",
    "g",
    "s",
    "e",
    "l",
    "el",
    "m",
    "em",
    "ms",
    "u",
    "zz",
    "m.q",
    "m.deep.x",
    "m.deep.x.y",
    "m.nil",
    "zz.y",
    "a.b",
    "m.nil.x",
    "fs",
    "t",
    "neg",
]
_TEXTS = [
    '"x"',
    '"user"',
    "`raw`",
    '"a\\tb"',
    '"%d,%v"',
    '""',
    '"é"',
    '"\\x41"',
    '"%s"',
    '"%q"',
    '"%5d,%-5d,%05d"',
    '"%x %X"',
    '"%T"',
    '"%#v"',
    '"%[2]v %[1]v"',
    '"%.2f"',
    '"%+v"',
    '"%d%%"',
    '"%6.2f,"',
    '"%t"',
    '"%*d"',
    '"%c %U"',
    '"%e %g"',
    '"%08.3f"',
    '"%+d"',
    '"%s %s"',
    '"%10s,%-10s,"',
    '"%.2s"',
    '"%q %v"',
]
_NUMBERS = [
    "0",
    "1",
    "2",
    "-1",
    "3",
    "1.5",
    "0x1F",
    "1e3",
    "010",
    "'b'",
    "1_000",
    "2.0",
    "-0",
    "+4",
    "0b11",
    ".5",
    "1i",
    "5.",
]
_COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge", "index"]
_FUNCTIONS = [
    *_COMPARISONS,
    *[
        "and",
        "or",
        "not",
        "len",
        "slice",
        "printf",
        "print",
        "println",
        "json",
        "html",
        "js",
        "urlquery",
    ],
]
_BETWEEN = ["", "a", " b ", "\n", "x\n  ", "<|im|>\n\n", "é", " "]
_STRAY = [
    "{{",
    "}}",
    "(",
    ")",
    "|",
    '"',
    "'",
    ".",
    "$",
    "end",
    "\n",
    "-",
    "{{end}}",
    "{{else}}",
    ",",
    ":=",
    "=",
    "@",
    "é",
    "0x",
]


class Templates:
    """A source of templates that is the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._pick = self._random.choice

    def template(self) -> str:
        text = self._nodes((), 3, in_loop=False)
        if self._chance(0.15):
            text += '{{define "T"}}<{{.}}{{if .q}}Q{{end}}>{{end}}'
        if self._chance(0.05):
            text += '{{block "B" .m}}[{{.q}}]{{end}}'
        if self._chance(0.08):
            at = self._random.randrange(len(text) + 1)
            text = text[:at] + self._pick(_STRAY) + text[at + self._pick([0, 0, 1, 2]) :]
        return text

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _operand(self, names: tuple[str, ...], depth: int) -> str:
        kind = self._random.choices(
            ["field", "text", "number", "dot", "word", "variable", "root", "parentheses"],
            [35, 10, 13, 4, 4, 12, 4, 18],
        )[0]
        if kind == "variable" and names:
            return self._pick(names) + (
                self._pick(["", ".Role", ".q", ".x.y", ".k"]) if self._chance(0.3) else ""
            )
        if kind == "parentheses" and depth:
            after = self._pick([".x", ".q", ".Role", ".x.y"]) if self._chance(0.15) else ""
            return f"({self._pipeline(names, depth - 1)}){after}"
        if kind == "root":
            return "$" + self._pick(["", ".a", ".m.q", ".zz"])
        choices = {
            "text": _TEXTS,
            "number": _NUMBERS,
            "dot": ["."],
            "word": ["true", "false", "nil"],
        }
        return self._pick(choices[kind]) if kind in choices else "." + self._pick(_FIELDS)

    def _command(self, names: tuple[str, ...], depth: int, *, is_first: bool) -> str:
        if is_first and self._chance(0.5):
            return self._operand(names, depth)
        function = self._pick(_FUNCTIONS)
        number = self._pick([2, 2, 2, 2, 3, 1] if function in _COMPARISONS else [1, 1, 2, 2, 3, 0])
        operands = [self._operand(names, depth) for _ in range(number - (not is_first))]
        return " ".join([function, *operands])

    def _pipeline(self, names: tuple[str, ...], depth: int = 1) -> str:
        length = self._pick([1, 1, 1, 1, 2, 3])
        return " | ".join(self._command(names, depth, is_first=not at) for at in range(length))

    def _action(self, inside: str) -> str:
        left, right = self._pick(["{{", "{{", "{{- "]), self._pick(["}}", "}}", " -}}"])
        return f"{left}{self._pick(['', ' '])}{inside}{self._pick(['', ' '])}{right}"

    def _nodes(self, names: tuple[str, ...], depth: int, *, in_loop: bool) -> str:
        pieces = []
        for _ in range(self._pick([1, 2, 2, 3])):
            node, names = self._node(names, depth, in_loop=in_loop)
            pieces += [self._pick(_BETWEEN), node, self._pick(_BETWEEN)]
        return "".join(pieces)

    def _node(
        self, names: tuple[str, ...], depth: int, *, in_loop: bool
    ) -> tuple[str, tuple[str, ...]]:
        kind = self._random.choices(
            ["action", "variable", "if", "with", "range", "jump", "template", "comment"],
            [40, 10, 16, 10, 17, 3, 2, 2],
        )[0]
        if kind == "variable":
            if names and self._chance(0.4):
                return self._action(f"{self._pick(names)} = {self._pipeline(names)}"), names
            name = "$" + self._pick("xyz")
            return self._action(f"{name} := {self._pipeline(names)}"), (*names, name)
        if kind in ("if", "with") and depth:
            return self._branch(kind, names, depth, in_loop=in_loop), names
        if kind == "range" and depth:
            return self._range(names, depth, in_loop=in_loop), names
        if kind == "jump" and in_loop:
            return self._action(self._pick(["break", "continue"])), names
        if kind == "template":
            return self._action(f'template "T" {self._pick([".", ".m", ".l", ""])}'), names
        if kind == "comment":
            return self._pick(["{{/* c */}}", "{{- /* c */ -}}"]), names
        return self._action(self._pipeline(names)), names

    def _branch(self, word: str, names: tuple[str, ...], depth: int, *, in_loop: bool) -> str:
        def body() -> str:
            return self._nodes(names, depth - 1, in_loop=in_loop)

        declared = "$c := " if self._chance(0.1) else ""
        text = self._action(f"{word} {declared}{self._pipeline(names)}") + body()
        while self._chance(0.3):
            text += self._action(f"else {word} {self._pipeline(names)}") + body()
        if self._chance(0.5):
            text += self._action("else") + body()
        return text + self._action("end")

    def _range(self, names: tuple[str, ...], depth: int, *, in_loop: bool) -> str:
        declared = self._pick(["", "", "$v := ", "$i, $v := "])
        over = "." + self._pick(["l", "ms", "m", "el", "em", "n", "fs", "a", "zz", "f"])
        if self._chance(0.2):
            over = self._pipeline(names)
        inner = (*names, *re.findall(r"\$\w", declared))
        text = self._action(f"range {declared}{over}") + self._nodes(inner, depth - 1, in_loop=True)
        if self._chance(0.3):
            text += self._action("else") + self._nodes(inner, depth - 1, in_loop=in_loop)
        return text + self._action("end")


_PROGRAM = r"""
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"text/template"
)

func plain(v any) any {
	switch t := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(t.String()); err == nil {
			return n
		}
		f, _ := t.Float64()
		return f
	case []any:
		for i := range t {
			t[i] = plain(t[i])
		}
	case map[string]any:
		for k := range t {
			t[k] = plain(t[k])
		}
	}
	return v
}

func main() {
	var asked struct {
		Templates []string
		Data      any
	}
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	if err := decoder.Decode(&asked); err != nil {
		panic(err)
	}
	data := plain(asked.Data)
	functions := template.FuncMap{
		"json": func(v any) string { b, _ := json.Marshal(v); return string(b) },
	}
	answers := []map[string]string{}
	for _, text := range asked.Templates {
		answer := map[string]string{"template": text}
		parsed, err := template.New("").Option("missingkey=zero").Funcs(functions).Parse(text)
		var out bytes.Buffer
		if err == nil {
			answer["tree"] = parsed.Tree.Root.String()
			err = parsed.Execute(&out, data)
		}
		if err != nil {
			answer["error"] = err.Error()
		} else {
			answer["text"] = strings.ToValidUTF8(out.String(), "\ufffd")
		}
		answers = append(answers, answer)
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}
"""


def ask_go(templates: list[str], go: str = "go") -> list[dict[str, str]]:
    """What Go says: tree as text, and the rendered text or an error."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "main.go")
        program.write_text(_PROGRAM)
        asked = json.dumps({"Templates": templates, "Data": DATA})
        ended = subprocess.run(
            [go, "run", str(program)], input=asked, capture_output=True, text=True, check=True
        )
    answers: list[dict[str, str]] = json.loads(ended.stdout)
    return answers


def _corpus(seed: int, number: int) -> list[str]:
    source = Templates(seed)
    return [text for text in (source.template() for _ in range(number)) if len(text) < 250]


if __name__ == "__main__":
    found = ask_go(_corpus(seed=20261121, number=4000))
    # Errors are many and much alike: few of them are kept.
    kept = [one for at, one in enumerate(found) if "text" in one or at % 10 == 0]
    Path(sys.argv[1]).write_text(json.dumps(kept, ensure_ascii=False, indent=0) + "\n")
