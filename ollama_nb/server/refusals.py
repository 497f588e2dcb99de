"""What jupyter-server's checks mean, said to a client of Ollama's API. Pure functions."""

from ollama_nb.errors import MethodNotAllowed
from ollama_nb.http import Response, error_response, refusal
from ollama_nb.http.bodies import INTERNAL_ERROR

FOREIGN_HOST = "requests to this host name are not answered"

_FOREIGN_PAGE = "requests of pages from other origins are not answered"
_TOKEN = 'this server needs its token: send it as "Authorization: Bearer TOKEN"'
_XSRF = f"{_TOKEN} (a page that is logged in sends its XSRF cookie as X-XSRFToken)"


def explain(status: int, reason: str, path: str) -> Response:
    """Answer for an HTTPError that was raised on the way to ``path``, which may be a route."""
    if status == MethodNotAllowed.status:
        return error_response(MethodNotAllowed(), path)
    if status == 404:
        # Unknown paths are answered by the table; here it is jupyter-server's word for an Origin.
        return refusal(404, _FOREIGN_PAGE, path)
    if status == 403:
        return refusal(403, _XSRF if "xsrf" in reason.lower() else reason or _TOKEN, path)
    return refusal(status, reason if status < 500 and reason else INTERNAL_ERROR, path)
