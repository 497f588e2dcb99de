"""How models are made: the Modelfile's text, what it defines, and the files that go into it.

Knows the store and the headers of files, neither the network nor the service.
"""
