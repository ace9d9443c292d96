"""Events that are already keys: reading them, and the Python API of those who have them.

A pure room, but for the files that its caller names: it knows no source, no lake and no database.
"""
