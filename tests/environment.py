"""A virtual environment for a script that holds this library against another one. Run by itself it makes all of them."""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()


def environment_python(script, what):
    """The interpreter of a virtual environment that has what the text file beside `script` lists, made when it is missing."""
    requirements = Path(script).resolve().with_suffix(".txt")
    name = requirements.stem.replace("_", "-")
    folder = TARGET / "{}-{}.{}".format(name, *sys.version_info)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    wanted = requirements.read_text()
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"making a virtual environment with {what} ...", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True, stdin=subprocess.DEVNULL)
        stamp.write_text(wanted)
    return python


if __name__ == "__main__":
    for script in sorted(Path(__file__).parent.glob("*_agreement.txt")):
        environment_python(script, script.stem.partition("_")[0])
