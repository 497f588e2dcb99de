"""A second opinion by another implementation, on random templates.

Where gotpl 0.1.0 and ours disagree, Go's own answers decide (test_against_go). This finds what a
change of ours breaks where no Go is installed.
"""

import json

from go_templates import DATA, Templates
from gotpl import Template

from ollama_nb.prompt.go_template import TemplateError, parse_template


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_random_templates_render_alike():
    source, num_rendered = Templates(seed=11), 0
    for _ in range(1000):
        text = source.template()
        if "json" in text or "print" in text:
            continue  # json is ours to give; gotpl prints <no value> for a nil argument
        try:
            ours = parse_template(text).render(DATA)
        except TemplateError:
            continue
        theirs = Template(text, functions={"json": compact}, missing_key="zero").render(DATA)
        assert ours == theirs, text
        num_rendered += 1
    assert num_rendered > 50
