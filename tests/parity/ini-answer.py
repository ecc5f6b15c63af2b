"""What PlatformIO makes of platformio.ini files, asked of its own code; run by ini.ts with a Python that has it.

In: {"project", "home", "time", "cases": [{"files": {path: text}, "vars": {name: value}}]}. Out, a line for each case:
{"table": [[section, [[option, value]]]] or null, "error": [class, message] or null, "warnings": [text], "invalid": class or null}
The project is seen as `project`, the home folder as `home`, the time as `time`, whatever the machine.
"""

import glob
import json
import os
import signal
import sys
import tempfile
import time

from platformio.project.config import ProjectConfig

# Of the processor's time, so that a busy machine makes no hangs.
HANG_SECONDS = 2


class Hang(Exception):
    pass


def hang(*_):
    raise Hang("no answer")


def answer(case, given, scratch):
    """A hang (cyclic extends) is an error."""
    root = tempfile.mkdtemp(dir=scratch)
    for path, text in case["files"].items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8", newline="") as file:
            # What PlatformIO refuses and fb is to read as if it were not there.
            file.write(text[1:] if text.startswith("\ufeff") else text)
    os.chdir(root)
    environment = dict(os.environ)
    real_cwd, real_time, real_glob = os.getcwd, time.time, glob.glob
    result = {"table": None, "error": None, "warnings": [], "invalid": None}
    try:
        for name in list(os.environ):
            if name.startswith("PLATFORMIO_"):
                del os.environ[name]
        os.environ.update({"HOME": given["home"], **case["vars"]})
        os.getcwd = lambda: given["project"]
        time.time = lambda: given["time"] + 0.5
        # PlatformIO takes files in the order in which the disk happens to list them.
        glob.glob = lambda *a, **k: sorted(real_glob(*a, **k))
        signal.setitimer(signal.ITIMER_VIRTUAL, HANG_SECONDS)
        config = ProjectConfig(os.path.join(root, "platformio.ini"))
        result["table"] = json.loads(config.to_json())
        try:
            config.validate(silent=True)
        except Exception as error:  # names of envs: what was warned of until then stands
            result["invalid"] = type(error).__name__
        result["warnings"] = list(config.warnings)
    except Exception as error:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        result["error"] = [type(error).__name__, str(error).replace(root + "/", "")]
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        os.getcwd, time.time, glob.glob = real_cwd, real_time, real_glob
        os.environ.clear()
        os.environ.update(environment)
        os.chdir("/")
    return result


def main():
    signal.signal(signal.SIGVTALRM, hang)
    given = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as scratch:
        for case in given["cases"]:
            print(json.dumps(answer(case, given, scratch), ensure_ascii=True))


main()
