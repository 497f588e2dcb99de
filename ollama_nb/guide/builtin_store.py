"""`python -m ollama_nb.guide.builtin_store FOLDER`: the built-in store, of a checkpoint's folder.

Our own create makes both models, `guide` and `guide:think`, as these commands would in the folder:

    jupyter ollama create guide -f Modelfile --quantize q8_0
    jupyter ollama create guide:think -f think.Modelfile --quantize q8_0

Both names share the weights, licence and parameters; they differ in their templates.
"""

import argparse
import logging
import shutil
import tempfile
from pathlib import Path

from ollama_nb.service import Service
from ollama_nb.settings import Settings
from ollama_nb.store import Model, blob_path
from ollama_nb.store.manifests import manifest_path
from ollama_nb.wire import CreateRequest

from . import BUILTIN_MODELS
from .export import MODELFILES

log = logging.getLogger(__name__)


def build(folder: Path, target: Path) -> None:
    """Make the store at `target` of the checkpoint in `folder`; what was there before is removed.

    Raises OllamaError, and leaves what was there, if the models cannot be made.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # Alone in its store, so that nothing is taken over from the model that was built in before.
        settings = Settings(models=Path(scratch, "made"), builtin_models=Path(scratch, "none"))
        service = Service(settings)
        try:
            models = [_create(service, tag, folder) for tag in MODELFILES]
        finally:
            service.close()
        for part in ("blobs", "manifests"):
            shutil.rmtree(target / part, ignore_errors=True)
        for model in models:
            _copy(model, target)


def _create(service: Service, tag: str, folder: Path) -> Model:
    modelfile = (folder / MODELFILES[tag]).read_text(encoding="utf-8")
    name = f"guide:{tag}"
    request = CreateRequest(model=name, modelfile=modelfile, quantize="q8_0")
    status = ""
    for line in service.create(request, folder=folder):
        if line.status != status:
            log.info("%s: %s", name, line.status)
        status = line.status
    return service.store.find(name)


def _copy(model: Model, target: Path) -> None:
    """Copy the manifest and the blobs that it names: not the files that the model is made of."""
    paths = {
        blob_path(model.root, blob.digest): blob_path(target, blob.digest)
        for blob in model.manifest.blobs
    }
    paths[manifest_path(model.root, model.name)] = manifest_path(target, model.name)
    for source, copy in paths.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)


def main() -> None:
    """Make the store."""
    parser = argparse.ArgumentParser(
        prog="python -m ollama_nb.guide.builtin_store", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("folder", type=Path, help="what training or `unpack` has written")
    parser.add_argument("--store", type=Path, default=BUILTIN_MODELS, help="store to write")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    build(given.folder, given.store)


if __name__ == "__main__":
    main()
