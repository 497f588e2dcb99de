"""What schemathesis makes of the description: no failure that was not planned, no other answer.

Requests are drawn from the description and sent to a standalone server whose store is thrown away
and which reaches no registry. They are the same in every run.
"""

import re

import msgspec
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis.strategies import one_of
from schemathesis.checks import CHECKS, load_all_checks
from servers import standalone_server

from ollama_nb.http import ROUTES
from ollama_nb.http.bodies import INTERNAL_ERROR
from ollama_nb.http.openapi import document

NOBODY = "http://127.0.0.1:1"
"""A proxy to all registries, at which nobody listens."""
MOST_TOKENS = 8
PLANNED = re.compile(r'(option "\w+" must be|invalid format:|pull model manifest:) ')
"""What only a wrong option, a wrong format and a registry out of reach answer with 500."""
LIMITS = {
    "/v1/chat/completions": "max_tokens",
    "/v1/completions": "max_tokens",
    "/v1/messages": "max_tokens",
    "/v1/responses": "max_output_tokens",
}

OTHER_NAMES = {"/api/create": "librarian", "/api/push": "nobody/nothing"}
"""Instead of the guide's own; to push something would be tried again and again."""
OPERATIONS = [(method, route.path) for route in ROUTES for method in route.methods]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A standalone server with a store of its own."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), NOBODY)
    root, models = tmp_path_factory.mktemp("described"), tmp_path_factory.mktemp("models")
    with standalone_server(root, models, **proxies, no_proxy="") as server:
        yield server


@pytest.fixture(scope="module")
def description(server):
    """What it says of itself, its address included."""
    found = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    found.config.request_timeout = 180  # seconds, for what hangs
    return found


@schemathesis.deserializer("application/x-ndjson")
def lines(context, response):
    """Every line is an object, and the last one ends too."""
    assert response.content.endswith(b"\n")
    return [msgspec.json.decode(line) for line in response.content.splitlines()]


def planned(context, response, case):
    """What fails says what has failed, in words of the contract."""
    assert INTERNAL_ERROR not in response.text
    if response.status_code >= 500:
        assert PLANNED.match(response.json()["error"])


def bounded(path, body):
    """Let no answer become long, no model leave, and the guide's own name be the guide's."""
    if not isinstance(body, dict):
        return body
    fixed = {}
    options, alive, limit = body.get("options", {}), body.get("keep_alive"), LIMITS.get(path)
    if path in ("/api/generate", "/api/chat") and isinstance(options, dict):
        fixed["options"] = options | {"num_predict": MOST_TOKENS}
    if alive == 0 and alive is not False:
        fixed["keep_alive"] = 60
    if limit and isinstance(body.get(limit, 0), int):
        fixed[limit] = MOST_TOKENS
    if path in OTHER_NAMES and body.get("model") == "guide":
        fixed["model"] = OTHER_NAMES[path]
    return body | fixed


def has_options(body):
    """Some of them take a new load, and what they are is judged alike wherever they are given."""
    options = body.get("options") if isinstance(body, dict) else None
    return isinstance(options, dict) and len(options) > 1


load_all_checks()
CHECKED = [
    planned,
    *CHECKS.get_by_names([
        "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    ]),
]  # fmt: skip


def check(case):
    """Send one request."""
    if case.path == "/api/generate" or not has_options(case.body):
        case.body = bounded(case.path, case.body)
        case.call_and_validate(checks=CHECKED)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_as_described(description, method, path):
    """Whatever has every value that the description brings to mind, and some more by chance."""
    operation = description[re.sub(":([a-z]+)", r"{\1}", path)][method]
    modes, generation = list(schemathesis.GenerationMode), description.config.generation
    for case in description.iter_coverage_cases(
        operation, generation_modes=modes, generation_config=generation
    ):
        check(case)

    @given(case=one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes)))
    @settings(max_examples=8, derandomize=True)
    def drawn(case):
        check(case)

    drawn()


def test_every_front_serves_it(front):
    answer = front.get("/openapi.json")
    assert (answer.status_code, answer.content) == (200, document(ROUTES))
