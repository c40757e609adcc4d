"""A Redis server of the tests' own: started on a free port, so that it may be stopped, emptied and started again."""

import shutil
import subprocess
import time
from pathlib import Path

import redis
from redis.exceptions import RedisError

from tests.acceptance.processes import free_port

BINARY = shutil.which("redis-server")


class RedisServer:
    def __init__(self, folder: Path, *, password: str = "") -> None:
        self.folder, self.password, self.port = folder, password, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{f':{self.password}@' if self.password else ''}127.0.0.1:{self.port}/0"

    @property
    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, decode_responses=True)

    def start(self) -> None:
        """Start it, with what it saved when it did."""
        assert BINARY is not None
        more = ["--requirepass", self.password] if self.password else []
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen([BINARY, *where, *more], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < until, "redis-server does not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        with self.redis as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False

    def kill(self) -> None:
        """As a machine that loses its power."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None
