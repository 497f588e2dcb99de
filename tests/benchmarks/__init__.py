"""Ratios against llama.cpp's own programs and against the bare kernel: ``make bench``.

``python -m tests.benchmarks`` prints one table. Nothing here fails on a time.
"""
