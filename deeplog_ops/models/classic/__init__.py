"""The classic detectors on count vectors of sessions, one a file, as loglizer compares them (He et al., ISSRE'16).

What they have in common: they see how often each key came, never in which order. `models/detectors.py` names them.
"""
