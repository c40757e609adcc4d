"""Ids that sort by the time they were made (RFC 9562, version 7): rows of one moment keep their order in every list."""

import secrets
import time
import uuid

RANDOM_BITS = 62


def uuid7() -> uuid.UUID:
    """48 bits of milliseconds since 1970, 12 bits of the rest of the millisecond, 62 random bits."""
    millis, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    value = millis << 80 | 7 << 76 | fraction << 64 | 2 << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    return uuid.UUID(int=value)
