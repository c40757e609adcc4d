"""However many chats there are, an export holds about one of them in memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.processes import ROOT

# All these messages held at once would take some 30 MB.
CHATS, MESSAGES = 300, 100
MEGABYTES = 8.0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells a process's most memory in other units")
def test_memory_does_not_grow_with_the_chats(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.reports.export.large", str(CHATS), str(MESSAGES), str(tmp_path)]
    env = {**os.environ, "SEKRETAR_IGNORE_DOTENV": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) < MEGABYTES
