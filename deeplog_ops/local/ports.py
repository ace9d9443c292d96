"""Free TCP ports on this machine's own address."""

from __future__ import annotations

import errno
import os
import random
import socket
from collections.abc import Iterable

from deeplog_ops.errors import SetupError

HOST = "127.0.0.1"
# Below the range from which Linux takes ports for outgoing connections, so that a port chosen today is likely free tomorrow.
_QUIET_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise SetupError(f"cannot open a port on {HOST}: {error.strerror}") from error
    return True


def answers(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def choose(variable: str, *, last: int | None = None, preferred: Iterable[int] = ()) -> int:
    """A free port: the one that the environment `variable` demands, else that of last time, else a preferred one.

    Raises SetupError when the demanded port is in use.
    """
    demanded = os.environ.get(variable)
    if demanded:
        if not demanded.isdigit() or not 0 < int(demanded) < 65_536:
            raise SetupError(f"{variable}={demanded!r} is not a port: write a number from 1 to 65535")
        if not is_free(int(demanded)):
            raise SetupError(
                f"port {demanded}, asked for by {variable}, is in use by another program: "
                f"stop that program, or choose another port, or unset {variable} to have a free one chosen"
            )
        return int(demanded)
    quiet = random.sample(_QUIET_RANGE, 200)
    for port in [*([last] if last else []), *preferred, *quiet]:
        if is_free(port):
            return port
    raise SetupError(f"no free port found on {HOST}: set {variable} to one")
