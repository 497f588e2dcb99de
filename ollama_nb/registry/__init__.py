"""The network: Ollama's registry protocol, and nothing else that leaves this machine.

Synchronous, on threads of its own. Knows the store, neither engine nor service.
"""
