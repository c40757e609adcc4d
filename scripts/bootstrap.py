"""Makes .venv and installs the pinned packages into it: `python -m scripts.bootstrap [runtime|dev|bench]`.

``bench`` is what ``runtime`` is, in a folder of its own: benchmarks measure what users run. Some packages load others
that happen to be there, and those that the tests need weigh 4 MB.

A second run with unchanged requirements installs nothing. Standard library only: nothing is installed yet.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = {
    "runtime": ("requirements.txt",),
    "dev": ("requirements.txt", "requirements-dev.txt"),
    "bench": ("requirements.txt",),
}
FOLDERS = {"runtime": ".venv", "dev": ".venv", "bench": ".venv/bench"}
FITS = "import sys; sys.exit(sys.prefix == sys.base_prefix or not (3, 11) <= sys.version_info[:2] < (3, 14))"


def fingerprint(root: Path, kind: str) -> str:
    """SHA-256 of the requirement files of ``kind``, in hexadecimal."""
    digest = hashlib.sha256()
    for name in REQUIREMENTS[kind]:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def python(root: Path, kind: str) -> Path:
    """The Python that has the packages of ``kind``, once they are installed."""
    return root / FOLDERS[kind] / "bin" / "python"


def stamp(root: Path, kind: str) -> Path:
    return root / FOLDERS[kind] / f"installed-{kind}"


def is_installed(root: Path, kind: str) -> bool:
    """Whether exactly these requirements were installed by an earlier run."""
    try:
        return stamp(root, kind).read_text(encoding="ascii") == fingerprint(root, kind)
    except OSError:
        return False


def remember(root: Path, kind: str) -> None:
    """Record the installation; ``dev`` contains ``runtime``."""
    for name in {kind, "runtime"} if kind == "dev" else {kind}:
        stamp(root, name).write_text(fingerprint(root, name), encoding="ascii")


def venv_fits(root: Path, kind: str = "runtime") -> bool:
    """False when the folder is absent, or belongs to a Python that is unfit or went away."""
    ask = [str(python(root, kind)), "-c", FITS]
    try:
        return subprocess.run(ask, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_venv(root: Path, kind: str) -> None:
    version, folder = ".".join(map(str, sys.version_info[:3])), FOLDERS[kind]
    print(f"Making {folder} with Python {version}…", flush=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", root / folder], capture_output=True, text=True, check=False
    )
    if made.returncode:
        print((made.stdout + made.stderr).strip(), file=sys.stderr)
        sys.exit(f"The folder {folder} could not be made; the lines above say why.")


def install(root: Path, kind: str) -> None:
    for old in [name for name, folder in FOLDERS.items() if folder == FOLDERS[kind]]:
        stamp(root, old).unlink(missing_ok=True)
    wanted = REQUIREMENTS[kind][-1]
    print(f"Installing the packages of {wanted} (only when that file changed; about a minute)…", flush=True)
    pip = [str(python(root, kind)), "-m", "pip", "install", "-r", str(root / wanted)]
    quietly = ["--quiet", "--no-input", "--disable-pip-version-check"]
    if subprocess.run([*pip, *quietly], cwd=root, check=False).returncode:
        sys.exit("The packages could not be installed; the lines above say why. Mend that and try again.")
    remember(root, kind)


def main(kind: str, root: Path = ROOT) -> None:
    """Leave ``root`` with a folder that holds the packages of ``kind``, or exit with a sentence."""
    (root / "data").mkdir(mode=0o700, exist_ok=True)
    if not venv_fits(root, kind):
        make_venv(root, kind)
    if not is_installed(root, kind):
        install(root, kind)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runtime")
