"""The command line: one file a group of commands. Each only reads its arguments, calls a step, and prints."""
