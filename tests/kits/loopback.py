"""In a network namespace of its own even localhost is down, and a kernel is spoken to through it."""

import fcntl
import socket
import struct
from contextlib import suppress


def raise_loopback() -> None:
    """Bring localhost up, in a namespace where this process may."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        up = struct.pack("16sh", b"lo", 1 | 64)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(link, 0x8914, up)  # SIOCSIFFLAGS
