"""Settings of the tests: the project's own, with nothing taken from the machine but the database.

DATABASE_URL=postgres://… runs the suite on PostgreSQL; otherwise each run has its own SQLite file.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

_documented = (Path(__file__).parent.parent / ".env.example").read_text(encoding="utf-8")
for _name in set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", _documented, re.MULTILINE)) - {"DATABASE_URL"}:
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)

# Workers of pytest-xdist inherit the first process's folder; only that one removes it.
if "SEKRETAR_TEST_DIR" not in os.environ:
    os.environ["SEKRETAR_TEST_DIR"] = tempfile.mkdtemp(prefix="sekretar-tests-")
    atexit.register(shutil.rmtree, os.environ["SEKRETAR_TEST_DIR"], ignore_errors=True)
_folder = Path(os.environ["SEKRETAR_TEST_DIR"])

os.environ |= {
    "SEKRETAR_IGNORE_DOTENV": "1",
    "SECRET_KEY": "only-the-tests-use-this-secret-key-0123456789abcdefghij",
    # Of each worker's own: what one looks at, another would sweep away.
    "FILES_DIR": str(_folder / "files" / os.environ.get("PYTEST_XDIST_WORKER", "")),
    "LANGUAGE_CODE": "en",  # the language of the sources, so that a test quotes what the code says
    "LOG_LEVEL": "WARNING",
    "TEST_SQLITE_NAME": str(_folder / "test.sqlite3"),
    # Nobody is there: a test that needs an Avito has one of its own.
    "AVITO_BASE_URL": "http://127.0.0.1:9/avito",
}

from config.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":  # noqa: F405
    # No test ends the server, so none need wait for its disk.
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"  # noqa: F405

# The real one takes a quarter of a second for each password, on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
