"""Who speaks, in OpenAI's words (reference: Ollama API, 14.2, 14.6)."""

_ROLES = {"developer": "system"}


def chat_role(role: str) -> str:
    """Return what chat calls a role; one that it need not be told stays as it is written."""
    return _ROLES.get(role.lower(), role)
