"""Tokens in, tokens out: loaded models, shared batches, sampling, and who is loaded when.

Knows no HTTP, no asyncio, no JSON. Importing it loads no native code; loading a model does.
"""
