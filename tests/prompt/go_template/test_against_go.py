"""What Go 1.27 itself said to 645 random templates, and says to new ones where it is installed.

``tests/support/go_templates.py`` made the file and makes it anew.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from go_templates import DATA, Templates, ask_go

from ollama_nb.prompt.go_template import TemplateError, parse_template

ANSWERS = json.loads(Path(__file__).with_name("go_answers.json").read_text())


def answer(source):
    said = {"template": source}
    try:
        template = parse_template(source)
        said["tree"] = "".join(map(str, template.root))
        said["text"] = template.render(DATA)
    except TemplateError as error:
        said["error"] = error.detail
    return said


@pytest.mark.parametrize("first", range(0, len(ANSWERS), 50))
def test_texts_trees_and_errors_are_those_of_go(first):
    for expected in ANSWERS[first : first + 50]:
        assert answer(expected["template"]) == expected


def test_new_templates_give_what_the_installed_go_gives():
    go = shutil.which("go")
    version = go and subprocess.run([go, "version"], capture_output=True, text=True).stdout
    found = re.search(r"go1\.([0-9]+)", version or "")
    if go is None or found is None or int(found[1]) < 24:
        pytest.skip("no go on the path, or one older than 1.24")
    source = Templates(seed=7)
    asked = [source.template() for _ in range(2000)]
    for expected in ask_go(asked, go):
        if "text" in expected:
            assert answer(expected["template"]) == expected
