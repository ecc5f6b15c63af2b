"""Images of a folder (NAME.img, NAME.json: its files and its shape) mounted by littlefs itself: all files equal, as many blocks in use, and it goes on from there."""
import base64
import json
import pathlib
import random
import sys

from littlefs import LittleFS


def mounted(shape, content):
    page = shape["page"]
    fs = LittleFS(
        block_size=shape["block"], block_count=len(content) // shape["block"], read_size=page, prog_size=page, cache_size=page,
        lookahead_size=64, block_cycles=16, name_max=shape["nameMax"],
        disk_version={"2.0": 0x20000, "2.1": 0x20001}[shape["disk"]], mount=False,
    )
    fs.context.buffer[:] = content
    fs.mount()
    return fs


def check(fs, want):
    found = {}
    for root, _, files in fs.walk("/"):
        for name in files:
            path = (root.rstrip("/") + "/" + name).lstrip("/")
            with fs.open(path, "rb") as file:
                found[path] = file.read()
    assert found == want, sorted(found.keys() ^ want.keys()) or "contents differ"


def change(fs, files, chance):
    for number in range(25):
        deed = chance.randrange(4)
        path = chance.choice(sorted(files)) if files else None
        if deed == 0 and path:
            fs.remove(path)
            del files[path]
        elif deed == 1 and path:
            with fs.open(path, "ab") as file:
                file.write(b"more" * number)
            files[path] += b"more" * number
        elif deed == 2 and path:
            fs.rename(path, f"moved{number}")
            files[f"moved{number}"] = files.pop(path)
        else:
            content = chance.randbytes(chance.choice([0, 64, 65, 700]))
            with fs.open(f"new{number}", "wb") as file:
                file.write(content)
            files[f"new{number}"] = content


for image in sorted(pathlib.Path(sys.argv[1]).glob("*.img")):
    shape = json.loads(image.with_suffix(".json").read_text())
    files = {path: base64.b64decode(content) for path, content in shape["files"].items()}
    fs = mounted(shape, image.read_bytes())
    check(fs, files)
    assert fs.used_block_count == shape["used"], (fs.used_block_count, shape["used"])
    change(fs, files, random.Random(shape["used"]))
    check(fs, files)
    fs.unmount()
    check(mounted(shape, bytes(fs.context.buffer)), files)
    print("ok", image.name)
