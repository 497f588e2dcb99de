"""Text in, text out: templates, rendering, the splitting of thinking.

Knows no disk, no network, no tokens and not which front is asking.
"""
