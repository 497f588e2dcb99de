"""Cells with Jupyter AI's magics in a real IPython shell: what they answer, as JSON.

Not collected here: `test_jupyter_ai.py` runs this file where Jupyter AI is installed. It finds the
server by OLLAMA_HOST and OLLAMA_API_KEY, as Ollama's own client does.
"""

import json

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
ASK = '%%ai ollama:guide -m {"temperature":0,"num_predict":100}'


def run(cell):
    """The value of a cell: its text, or the error that it should not have raised."""
    with capture_output():
        done = shell.run_cell(cell)
    if done.error_in_exec is not None:
        return str(done.error_in_exec)
    return str(getattr(done.result, "data", done.result))


run("%load_ext jupyter_ai_magics")
run("question = 'How do I pull a model?'")
said = {
    "answer": run(f"{ASK} -f text\nHow do I pull a model?"),
    "markdown": run(f"{ASK}\nHow do I pull a model?"),
    "interpolated": run(f"{ASK} -f text\n{{question}}"),
    "unknown": run("%%ai ollama:nope -f text\nHi"),
}
print(json.dumps(said))  # noqa: T201
