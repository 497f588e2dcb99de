"""httpx's functions without its five seconds, which say how busy a machine is, not how a server."""

from functools import partial

import httpx

PATIENCE = 180

get = partial(httpx.get, timeout=PATIENCE)
post = partial(httpx.post, timeout=PATIENCE)
options = partial(httpx.options, timeout=PATIENCE)
request = partial(httpx.request, timeout=PATIENCE)
stream = partial(httpx.stream, timeout=PATIENCE)
