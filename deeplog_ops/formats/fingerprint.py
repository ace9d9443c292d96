"""A raw file is known by its uncompressed head: renamed, rotated or compressed, it stays the same file."""

from __future__ import annotations

import hashlib

HEAD_BYTES = 4096


def of_head(head: bytes) -> str:
    """32 hexadecimal digits of the first HEAD_BYTES uncompressed bytes; more bytes change nothing.

    A file that is still shorter than that gets another fingerprint when it grows.
    """
    return hashlib.sha256(head[:HEAD_BYTES]).hexdigest()[:32]
