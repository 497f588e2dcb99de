"""The one place where versions are written."""

__version__ = "0.1.0"

API_VERSION = "0.33.0"
"""Level of Ollama's API that the routes implement; clients compare it."""
