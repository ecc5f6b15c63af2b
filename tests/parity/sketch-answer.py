"""What PlatformIO's own code makes of sketches; run by sketches.ts with a Python that has it.

In: {"compiler", "cases": [{name: text}]}. Out, a line for each case: the C++ text as JSON, null where it gives up.
"""

import json
import os
import subprocess
import sys
import tempfile

from platformio.builder.tools.pioino import InoToCPPConverter


class Node:
    def __init__(self, path):
        self.path = path

    def get_path(self):
        return self.path


class Env:
    """What the converter asks of SCons: to run the compiler."""

    def __init__(self, compiler):
        self.compiler = compiler

    def VerboseAction(self, command, _):
        return command.replace("$CXX", self.compiler)

    def Execute(self, command):
        return subprocess.call(command, shell=True, stderr=subprocess.DEVNULL)


def answer(tabs, compiler, scratch):
    root = tempfile.mkdtemp(dir=scratch)
    for name, text in tabs.items():
        with open(os.path.join(root, name), "w", encoding="utf-8", newline="") as file:
            file.write(text)
    inos = sorted(name for name in tabs if name.endswith(".ino"))
    pdes = sorted(name for name in tabs if name.endswith(".pde"))
    try:
        out = InoToCPPConverter(Env(compiler)).convert([Node(os.path.join(root, name)) for name in inos + pdes])
        with open(out, encoding="utf-8") as file:
            return file.read()
    except Exception:
        return None


given = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as folder:
    for case in given["cases"]:
        print(json.dumps(answer(case, given["compiler"], folder)))
