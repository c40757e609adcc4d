"""Text of documents, read in a process of its own that knows nothing of ours: no settings, no database, no secrets.

``python -m files.extract <path> <mime>`` prints one JSON object: ``text``, ``error`` (a kind of files.errors or an
empty string) and ``pages`` (or null). Whatever a hostile file does, it does to this process and within its limits.
"""
