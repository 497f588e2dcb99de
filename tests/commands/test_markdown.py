"""Model output as Markdown: nothing in it runs, code in it stays what it was."""

import mistune
import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given
from hypothesis import strategies as st

from ollama_nb.commands.markdown import safe_markdown

EVIL = "<img src=x onerror=alert(1)>"
PIECES = [
    "`", "``", "```\n", "```html\n", "~~~\n", "\n", "\n\n", " ", "   ", "    ", "- ", "1. ", "> ",
    "[a](b`c)", "![a](u)", "|", "~~", "**", "*", "\\", "text ", "# ", EVIL, "<b", "</details>",
    "<!--", "-->", "<https://x.y>", "https://x.y/`", "$", "$$\n", "&lt;", "\t",
]  # fmt: skip


def elements(markdown):
    """The elements a Markdown renderer makes of it, raw HTML let through."""
    render = mistune.create_markdown(escape=False, plugins=["strikethrough", "table", "url"])
    return BeautifulSoup(render(markdown), "html.parser").find_all(["img", "script", "details"])


@pytest.mark.parametrize(
    "text",
    [
        "plain, a < b, **bold**, `code`",
        "```python\nif a <b and '<img>':\n    pass\n```\nafter",
        "~~~\n<b>\n```\n<i>\n~~~",
        "in a span `List<int>` it stays",
        "- item\n  ```\n  <b>\n  ```",
        "  ```\nless indented\n  ```\nafter",
        "",
    ],
)
def test_what_is_harmless_stays(text):
    assert safe_markdown(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("<!-- a --> <?php ?>", "&lt;!-- a --> &lt;?php ?>"),
        ("![a picture](http://x.y/z.png)", r"\![a picture](http://x.y/z.png)"),
        ("```\n<b>\n```\n<b>", "```\n<b>\n```\n&lt;b>"),
        ("- a\n  ```\n<b>", "- a\n  ```\n  ```\n&lt;b>"),
        ("a ` b\n\n`x` <b>", "a ` b\n\n`x` &lt;b>"),
    ],
)
def test_html_and_images_are_defused(text, safe):
    assert safe_markdown(text) == safe


@pytest.mark.parametrize("fence", ["```", "~~~~", "  ```"])
def test_open_fences_are_closed(fence):
    assert safe_markdown(f"{fence}python\nprint(1)") == f"{fence}python\nprint(1)\n{fence}"


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example("\\![a](https://evil/?d=1)")
@example(f"a ` b\nc ` {EVIL} ` d")
@example(f"- a\n  ```\n{EVIL}")
@example(f"[a](b`c) {EVIL} `d")
@example(f"| a ` b | {EVIL} ` c |")
@example(f"\\` <b> ` {EVIL} `")
def test_no_element_gets_through(text):
    assert elements(safe_markdown(text)) == []
