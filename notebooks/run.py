"""Execute a notebook and print what is asked and answered, as it goes.

    python notebooks/run.py notebooks/00-quickstart.ipynb          print, change nothing
    python notebooks/run.py notebooks/00-quickstart.ipynb --save   keep the outputs in the file

Uses the kernel of the environment it runs in. Leaves 1 behind if a cell fails. Saved outputs do
not mention the speed, so that saving again changes a file only where an answer changes.
"""

import argparse
import os
import sys
import textwrap
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main() -> int:
    """Execute the notebook that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--save", action="store_true", help="keep the outputs in the file")
    arguments = parser.parse_args()
    os.environ["OLLAMA_NB_DISPLAY"] = "final" if arguments.save else "stream"
    notebook = nbformat.read(arguments.notebook, as_version=4)
    try:
        _execute(notebook, arguments.notebook.parent)
    except (CellExecutionError, DeadKernelError) as error:
        sys.stderr.write(f"\n{arguments.notebook} failed: {error.__class__.__name__}\n")
        return 1
    if arguments.save:
        notebook.metadata = nbformat.from_dict(_METADATA)
        nbformat.write(notebook, arguments.notebook)
    else:
        _say("\nEverything worked. The same in JupyterLab: make lab")
    return 0


def _execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run every cell, printing each as it ends."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # else ipykernel warns that TCP is not encrypted
        timeout=600,
        startup_timeout=300,
        iopub_timeout=60,  # outputs that come later on a busy machine would be lost
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=lambda cell, **_: _show(cell),
    )
    client.execute()


def _show(cell: nbformat.NotebookNode) -> None:
    if cell.cell_type != "code":
        return
    _say(f"\n{textwrap.indent(cell.source, '> ')}")
    for output in cell.outputs:
        text = _text(output)
        if text:
            _say(text)


def _text(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return output.text.rstrip()
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.data.get("text/plain", "").rstrip()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
