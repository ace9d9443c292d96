"""One file a task: read, compute, write. Called alike by DAG tasks, the command line and tests.

A step takes the `Workplace` and the number of a run, reads what the stage before it committed, writes under a path
of its own attempt and makes that live by a row in the ledger. Between steps go only numbers: a step killed half-way
and started again gives the same result.
"""
