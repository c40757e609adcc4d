"""The process that reads one file: limits first, then the file."""

import json
import resource
import sys
from pathlib import Path

from files.extract.reading import read

# Bytes of address space and seconds of CPU; a wall clock is kept by the caller.
MEMORY = 700 * 1024 * 1024
CPU_SECONDS = 40


def limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        hard = resource.getrlimit(what)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, allowed))


def main(path: str, mime: str) -> None:
    limit()
    found = read(Path(path), mime)
    answer = {"text": found.text, "error": found.error, "pages": found.pages}
    sys.stdout.write(json.dumps(answer))  # ASCII only: half a character in a file must not break the line


if __name__ == "__main__":
    main(*sys.argv[1:3])
