"""Identifiers: of what is made, which sort by the time they were made, and of programs that keep none of their own."""

import hashlib
import os
import re
import time
import uuid

PROGRAM_PREFIX = "program-"

_VERSION = re.compile(r"[/ ]v?\d\S*")


def new_id() -> str:
    """A fresh UUIDv7 (RFC 9562, section 5.7) in its 36-character text form.

    Ids sort backwards only where the clock itself is set back.

    The twelve bits after the millisecond hold its fraction (RFC 9562, section 6.2, method 3),
    so that two ids of one millisecond keep their order down to a quarter of a microsecond.
    """
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    fraction = rest * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random
    return str(uuid.UUID(int=value))


def program_id(user_agent: str) -> str:
    """The id of the device that a program is: the same at every call, and after it was updated."""
    name = _VERSION.sub("", user_agent)
    return PROGRAM_PREFIX + hashlib.sha256(name.encode()).hexdigest()[:16]
