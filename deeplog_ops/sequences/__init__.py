"""Events to sessions, sessions to windows. Pure: columns in, columns out.

identify   which session an event belongs to          buckets   shards of sessions, the same on every machine
sessions   events of one bucket to pieces of sessions  windows   distinct (history → next key) with weights
"""
