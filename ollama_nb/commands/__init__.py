"""The verbs, once: what they are called, which arguments they take, and what they do.

`%ollama`, `%%ollama` and `jupyter ollama` are three ways into the same table. Knows the service;
knows neither IPython nor tornado.
"""
