"""What PlatformIO makes of names of packages, of versions and of ranges, asked of its own code; run by specs.ts with a Python that has it.

In: a list of cases as spec-cases.ts makes them. Out, a line for each:
{"specs": [[owner, id, name, requirement, uri, custom] or class of error], "parts": the same, "versions": [text or null],
 "order": comparison of each version with the next, "ranges": [a 1 or 0 for each version that is one, or null]}
"""

import json
import os
import sys

import semantic_version

from platformio.package.meta import PackageSpec
from platformio.package.version import cast_version_to_semver


def said(make):
    try:
        spec = make()
    except Exception as error:
        return type(error).__name__
    words = [spec.owner, spec.id, spec.name]
    return words + [str(spec.requirements) if spec.requirements else None, spec.uri, spec.has_custom_name()]


def version(text):
    try:
        return cast_version_to_semver(text)
    except (ValueError, AssertionError):
        return None


def matches(text, versions):
    try:
        spec = semantic_version.SimpleSpec(text)
    except ValueError:
        return None
    return "".join("-" if v is None else "1" if v in spec else "0" for v in versions)


def answer(case):
    os.path.exists = lambda path: path in case["there"]
    versions = [version(text) for text in case["versions"]]
    pairs = [(a, b) for a, b in zip(versions, versions[1:])]
    return {
        "specs": [said(lambda: PackageSpec(text)) for text in case["specs"]],
        "parts": [
            said(lambda: PackageSpec(owner=owner or None, name=name or None, requirements=requirement))
            for owner, name, requirement in case["parts"]
        ],
        "versions": [None if each is None else str(each) for each in versions],
        "order": "".join("-" if a is None or b is None else "<" if a < b else ">" if a > b else "=" for a, b in pairs),
        "ranges": [matches(text, versions) for text in case["ranges"]],
    }


for each in json.load(sys.stdin):
    print(json.dumps(answer(each)))
