"""nbval on these notebooks: answers are shown once, and measured values are not compared."""

import os
import tempfile
from pathlib import Path

import pytest

_HERE = Path(__file__).parent

# Inherited by the kernels: one display for each answer, and no models but the built-in ones.
os.environ.setdefault("OLLAMA_NB_DISPLAY", "final")
_models = tempfile.TemporaryDirectory(prefix="ollama-nb-")
os.environ["OLLAMA_MODELS"] = _models.name


def pytest_configure(config: pytest.Config) -> None:
    """Compare with the patterns of sanitize.cfg, whether or not the command line says so."""
    if getattr(config.option, "nbval", False) and not config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(_HERE / "sanitize.cfg")


def pytest_unconfigure() -> None:
    """Remove the store."""
    _models.cleanup()
