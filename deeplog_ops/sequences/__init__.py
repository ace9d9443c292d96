"""Events to sessions and windows of time. Pure: columns in, columns out.

identify   which session an event belongs to      buckets   shards of sessions, the same on every machine
sessions   one shard's events to pieces of sessions   cells   fixed clock times and their names
"""
