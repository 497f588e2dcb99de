"""Go's text/template with the functions that Ollama adds (reference: models, 5.1 and 5.2).

``parse_template`` reads a text once into a syntax tree (``tree``), which is compiled to closures
when it is first rendered; ``analysis`` tells what a template mentions. Steps, time, output and
nesting are bounded (rule S21). Knows nothing of chats: data are plain Python values, and the
types of ``values`` for what only Go has.
"""

from .errors import TemplateError, within_stack
from .running import Run
from .template import Template, parse_template

__all__ = ["Run", "Template", "TemplateError", "parse_template", "within_stack"]
