"""How long ``%load_ext ollama_nb`` takes in a fresh kernel, beside a bare start of IPython."""

import subprocess
import sys
import time
from statistics import median

from jupyter_client.manager import start_new_kernel

from .table import Row

_CODE = """
import sys, time
before = time.perf_counter()
get_ipython().run_line_magic("load_ext", "ollama_nb")
print(time.perf_counter() - before, "llama_cpp" in sys.modules)
"""


def startup_rows(*, rounds: int) -> list[Row]:
    """Interleaved: a kernel that loads the extension, and IPython that does nothing."""
    loads, starts, natives = [], [], set()
    for _ in range(rounds + 1):
        starts.append(_bare_start())
        seconds, native = _load_in_kernel()
        loads.append(seconds * 1e3)
        natives.add(native)
    # The first round has filled the file cache.
    loads, starts = loads[1:], starts[1:]
    loaded = "loads native code!" if "True" in natives else "no native code"
    return [
        Row(
            f"%load_ext ollama_nb in a kernel ({loaded}) / start of bare IPython",
            f"{min(loads):,.0f} ms",
            f"{min(starts):,.0f} ms",
            f"{min(loads) / min(starts):.2f}",
            f"{median(loads):,.0f} ms",
            "≤ 150 ms",
        )
    ]


def _bare_start() -> float:
    before = time.perf_counter()
    subprocess.run([sys.executable, "-m", "IPython", "-c", "pass"], check=True)
    return (time.perf_counter() - before) * 1e3


def _load_in_kernel() -> tuple[float, str]:
    """Seconds, and whether the native library came along. Raises what the kernel raised."""
    manager, client = start_new_kernel(kernel_name="python3", stderr=subprocess.DEVNULL)
    printed: list[str] = []
    try:
        reply = client.execute_interactive(
            _CODE,
            timeout=60,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"the extension did not load: {reply['content'].get('evalue')}")
    seconds, native = "".join(printed).split()
    return float(seconds), native
