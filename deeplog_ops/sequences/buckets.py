"""Shards of sessions: worked one at a time, they bound memory."""

from __future__ import annotations

import zlib

import numpy as np
import polars as pl
import pyarrow as pa


def bucket_of(session: pl.Series, buckets: int) -> pl.Series:
    """The bucket of each session name, from 0 to `buckets` - 1 (UInt16); null where the name is.

    CRC-32 of the UTF-8 bytes, modulo `buckets`: the same on every machine and with every version, since
    partitions that were written by one are read by another.
    """
    names = session.cast(pl.String).to_arrow().dictionary_encode()
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    hashed = (
        zlib.crc32(name.encode("utf-8", "surrogatepass")) % buckets for name in names.dictionary.to_pylist()
    )
    of_name = np.fromiter(hashed, dtype=np.uint16, count=len(names.dictionary))
    return pl.Series(session.name, of_name, dtype=pl.UInt16).gather(pl.Series(names.indices, dtype=pl.Int64))
