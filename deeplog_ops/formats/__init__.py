"""Raw bytes to columns: header patterns, time stamps, encodings, multi-line records; guessing.

A format is data (`FormatSpec`, shipped in shipped/*.yaml); the code paths are three: a pattern, JSON lines, CSV.
"""
