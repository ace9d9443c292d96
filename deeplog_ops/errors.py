"""The tree of errors. Every message says what was found, where, and which form is accepted.

    DeeplogError
    ├── ConfigError             a configuration that cannot be used (file, line, what is accepted)
    ├── InputError              raw input that cannot be used at all (one bad line goes to the quarantine instead)
    │   ├── FormatError         no such format, or a format that matches nothing
    │   └── MissingInput        a file or a day that is not there
    ├── ModelError              a model version that is missing, damaged, or does not fit
    ├── DatabaseError
    │   ├── DatabaseUnavailable cannot connect: the address, and what to do
    │   └── DatabaseTooOld      PostgreSQL before 14, or a schema older or newer than this program
    ├── LakeError               a partition that is missing or does not agree with the ledger
    ├── AccountingError         lines went missing or were counted twice: a fault of this program
    └── SetupError              an installation that lacks something: `deeplog-ops doctor` says what

The command line maps each to an exit code (`exit_code`), documented in docs/cli.md.
"""

from __future__ import annotations

from pathlib import Path


class DeeplogError(Exception):
    """Base of all errors that deeplog-ops raises on purpose."""

    exit_code = 1


class ConfigError(DeeplogError):
    """A configuration that cannot be used. `file` and `line` (from 1) point at the place, where known."""

    exit_code = 3

    def __init__(self, message: str, file: str | Path | None = None, line: int | None = None) -> None:
        self.file = str(file) if file is not None else None
        self.line = line
        place = ":".join(str(part) for part in (self.file, line) if part is not None)
        super().__init__(f"{place}: {message}" if place else message)


class InputError(DeeplogError):
    """Raw input that cannot be used at all."""

    exit_code = 4


class FormatError(InputError):
    """No such format, or a format that matches nothing."""


class MissingInput(InputError):
    """A file or a day that is not there."""


class ModelError(DeeplogError):
    """A model version that is missing, damaged, or does not fit."""

    exit_code = 5


class OlderVersionError(ModelError):
    """A model version that an earlier release of this program wrote: it cannot be used, only trained anew."""


class DatabaseError(DeeplogError):
    """The database refused, or holds something else than expected."""

    exit_code = 6


class DatabaseUnavailable(DatabaseError):
    """No connection could be made."""


class DatabaseTooOld(DatabaseError):
    """PostgreSQL before 14, or a schema that this program does not know."""


class LakeError(DeeplogError):
    """A partition that is missing or does not agree with the ledger."""

    exit_code = 7


class AccountingError(DeeplogError):
    """Lines went missing or were counted twice."""

    exit_code = 8


class SetupError(DeeplogError):
    """An installation that lacks something."""

    exit_code = 9
