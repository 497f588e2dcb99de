"""One run of llama-bench."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Speeds:
    """Tokens per second of one run."""

    prompt: float
    decode: float


def run_program(
    program: Path, model: Path, *, threads: int, num_prompt: int, num_decode: int
) -> Speeds:
    """One warmed-up round of a prompt and of a generation from an empty context."""
    numbers = {"-t": threads, "-p": num_prompt, "-n": num_decode, "-r": 1, "-o": "json"}
    arguments = [str(part) for pair in numbers.items() for part in pair]
    done = subprocess.run(
        [program, "-m", model, *arguments], check=True, capture_output=True, text=True
    )
    tests = json.loads(done.stdout)
    return Speeds(
        prompt=next(test["avg_ts"] for test in tests if test["n_prompt"]),
        decode=next(test["avg_ts"] for test in tests if test["n_gen"]),
    )
