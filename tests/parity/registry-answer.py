"""What PlatformIO's own package managers install from generated registries; run by registry.ts with a Python that has it.

Arguments: Node, the server. In: [{"id": "SEED/INDEX", "world": …}]. Out, a line for each:
{"libraries": [[folder, name, version, owner, uri]], "errors": [class of the error of an item of lib_deps, or null], "tools": [[owner, name, version, file] or class]}
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import urllib.request

REGISTRY = "http://api.registry.test"


def own_needs(world, root, manager):
    """What the libraries of the project's lib folder need; the class of the error that ends it, or null."""
    from platformio.package.commands.install import _install_project_private_library_deps
    from platformio.package.manager.library import LibraryPackageManager

    folder = os.path.join(root, "lib")
    for i, dependencies in enumerate(world["own"]):
        os.makedirs(os.path.join(folder, "Own%d" % i))
        with open(os.path.join(folder, "Own%d" % i, "library.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "Own%d" % i, "version": "1.0.0", "dependencies": dependencies}, file)
    own = LibraryPackageManager(folder)
    own.set_log_level(logging.CRITICAL)
    try:
        for library in own.get_installed():
            _install_project_private_library_deps(library, own, manager, {})
    except Exception as error:
        return type(error).__name__
    return None


def answer(world, root):
    os.environ["PLATFORMIO_CORE_DIR"] = os.path.join(root, "core")
    os.environ["PLATFORMIO_CACHE_DIR"] = os.path.join(root, "cache")
    os.environ["PLATFORMIO_SYSTEM_TYPE"] = world["system"]
    os.makedirs(os.path.join(root, "project"))
    os.chdir(os.path.join(root, "project"))
    from platformio.package.exception import UnknownPackageError
    from platformio.package.manager.library import LibraryPackageManager
    from platformio.package.manager.tool import ToolPackageManager
    from platformio.package.meta import PackageCompatibility, PackageSpec

    folder = os.path.join(root, "libdeps")
    qualifiers = {"platforms": [world["platform"]]}
    if world["frameworks"]:
        qualifiers["frameworks"] = world["frameworks"]
    manager = LibraryPackageManager(folder, compatibility=PackageCompatibility(**qualifiers))
    manager.set_log_level(logging.CRITICAL)
    manager.is_builtin_lib = lambda name: name == "Eps"
    errors = []
    # First what has an owner or an address, as before a build; then the rest, as in it.
    for late in (False, True):
        if late:
            errors.append(own_needs(world, root, manager))
            manager = LibraryPackageManager(folder)
            manager.set_log_level(logging.CRITICAL)
            manager.is_builtin_lib = lambda name: name == "Eps"
        for item in world["libDeps"]:
            spec = PackageSpec(item)
            if bool(spec.external or spec.owner) == late:
                continue
            if late and manager.get_package(spec):
                errors.append(None)
                continue
            try:
                manager.install(spec)
                errors.append(None)
            except Exception as error:
                errors.append(type(error).__name__)
    libraries = [
        [os.path.basename(p.path), p.metadata.name, str(p.metadata.version), p.metadata.spec.owner, p.metadata.spec.uri]
        for p in LibraryPackageManager(folder).get_installed()
    ]
    tools = []
    tool_manager = ToolPackageManager(os.path.join(root, "tools"))
    tool_manager.set_log_level(logging.CRITICAL)
    for item in world["tools"]:
        try:
            spec = PackageSpec(item)
            taken = []
            tool_manager.pick_compatible_pkg_file = lambda files: taken.append(
                ToolPackageManager.pick_compatible_pkg_file(tool_manager, files)
            ) or taken[-1]
            real = tool_manager.install_from_uri
            tool_manager.install_from_uri = lambda uri, spec, checksum: (spec, uri, checksum)
            spec, uri, checksum = tool_manager.install_from_registry(spec)
            assert checksum == taken[-1]["checksum"]["sha256"]
            tools.append([spec.owner, spec.name, uri.split("?")[0]])
        except Exception as error:
            tools.append(type(error).__name__)
    return {"libraries": libraries, "errors": errors, "tools": tools}


def main():
    # Progress is printed too.
    lines, sys.stdout = sys.stdout, sys.stderr
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    proxy = "http://127.0.0.1:%d" % int(server.stdout.readline())
    for name in ("http_proxy", "HTTP_PROXY"):
        os.environ[name] = proxy
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["PLATFORMIO_CORE_DIR"] = scratch
        import platformio.http
        import platformio.package.manager._registry as managers
        import platformio.registry.client as client
        import platformio.registry.mirror as mirror

        # The real classes, told of other hosts and not to wait.
        client.RegistryClient.__init__ = lambda self: platformio.http.HTTPClient.__init__(self, [REGISTRY])
        client.RegistryClient.allowed_private_packages = staticmethod(lambda: False)
        mirror.__registry_mirror_hosts__ = []
        platformio.http.ensure_internet_on = lambda raise_exception=False: True
        platformio.http.HTTPClient.send_request = platformio.http.HTTPClient.send_request.__wrapped__
        managers.time.sleep = lambda seconds: None
        for i, case in enumerate(json.load(sys.stdin)):
            urllib.request.urlopen("http://world.test/" + case["id"]).read()
            out = answer(case["world"], os.path.join(scratch, str(i)))
            print(json.dumps(out), file=lines, flush=True)
            os.chdir("/")
    server.stdin.close()
    server.wait()


main()
