"""The HTTP contract on Tornado: inside jupyter-server as an extension, or on a port of its own.

The only package that knows tornado, jupyter_server and asyncio. What the routes do is in ``http``;
here are mount points, authentication and the way from threads to the event loop.
"""
