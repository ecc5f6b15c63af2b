/** Packages through the binary: tools, cores and libraries that are fetched, locked and found again without a network. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ends, freshFolder, type Ran, result, TestProject } from "./harness.ts";
import { archive, type Content, LEAST_CORE, PackageServer, staysWithoutNetwork, TOOLCHAIN } from "./package-server.ts";

const server = await PackageServer.start();
test.after(() => void server.close());

/** One run; the server is in this process, which must not stand still meanwhile. */
function run(p: TestProject, args: readonly string[] = []): Promise<Ran> {
  return p.start(["run", ...args, "--json"], { vars: { FB_REGISTRY: server.url } }).ended;
}

/** What the program of an env prints. */
function printed(p: TestProject, env: string): string {
  return spawnSync(p.path(`.fb/build/${env}/release/program`), { encoding: "utf8" }).stdout;
}

function ran(run: Ran): string[] {
  return ends(run)
    .filter((e) => e.status === "ran")
    .map((e) => `${e.kind} ${e.label}`);
}

const CORE: Content = {
  ...LEAST_CORE,
  "libraries/Inner/src/Inner.h": "#pragma once\n#define INNER 1\n",
  "libraries/Inner/library.properties": "name=Inner\nversion=1.0.0\n",
};
const SKETCH = "#include <Arduino.h>\nvoid setup() {}\nvoid loop() {}\n";

function unoIni(kind: string): string {
  const toolchain = server.put(`toolchain.${kind}`, archive(`toolchain.${kind}`, TOOLCHAIN));
  const core = server.put(`core.${kind}`, archive(`core.${kind}`, CORE));
  return `[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\nplatform_packages =\n  toolchain-atmelavr @ ${toolchain}\n  framework-arduino-avr @ ${core}\n`;
}

for (const kind of ["tar.gz", "tar.bz2", "tar.xz"])
  test(`a toolchain and a core from archives (${kind}): fetched once, locked, and the same without a network`, async () => {
    const p = new TestProject({ "platformio.ini": unoIni(kind), "src/main.cpp": SKETCH });
    const first = await run(p);
    assert.is(first.code, 0, first.stderr);
    assert.equal(ran(first).filter((each) => /^(fetch|extract|install)/.test(each)).length, 6);
    const lock = p.read("fb.lock");
    assert.match(lock, /\[tool\."toolchain-atmelavr@/);
    await staysWithoutNetwork(p, first, server, (args) => run(p, args));
  });

test(":packages brings packages and touches nothing that was built", async () => {
  const p = new TestProject({ "platformio.ini": unoIni("tar.gz"), "src/main.cpp": SKETCH });
  const brought = await run(p, [":packages"]);
  assert.is(brought.code, 0, brought.stderr);
  assert.is(ran(brought).length, 6);
  assert.ok(p.exists("fb.lock") && !p.exists(".fb/build/uno/release/firmware.elf"));
  await run(p);
  const built = p.tree(".fb/build");
  assert.equal(ran(await run(p, [":packages"])), []);
  assert.equal(p.tree(".fb/build"), built);
});

test("another machine with the lock has the same bytes; a file that is not what the lock says is refused", async () => {
  const p = new TestProject({ "platformio.ini": unoIni("tar.gz"), "src/main.cpp": SKETCH });
  const image = result(await run(p)).artifacts[0]?.sha256;
  const other = new TestProject({ "platformio.ini": p.read("platformio.ini"), "fb.lock": p.read("fb.lock"), "src/main.cpp": SKETCH });
  assert.is(result(await run(other, ["--locked"])).artifacts[0]?.sha256, image);
  const wrong = p.read("fb.lock").replace(/sha256 = "[0-9a-f]{8}/g, 'sha256 = "00000000');
  const third = new TestProject({ "platformio.ini": p.read("platformio.ini"), "fb.lock": wrong, "src/main.cpp": SKETCH });
  const refused = await run(third);
  assert.is(refused.code, 4);
  assert.match(refused.stderr + refused.stdout, /expected sha256 00000000/);
});

test("a server has no such file: the package, the url, and to correct it", async () => {
  const p = new TestProject({
    "platformio.ini": `[env:a]\nplatform = native\nlib_deps = Far=${server.url}/none.zip\n`,
    "src/main.cpp": "int main() {}\n",
  });
  const failed = await run(p);
  assert.is(failed.code, 4);
  assert.match(failed.stderr, /error: Far is not here and could not be fetched: http:.*none\.zip: there is no such file/);
  assert.match(failed.stderr, /hint: .*correct the url/);
});

test("nothing can be fetched: what is missing, and three ways to bring it", async () => {
  const ini = unoIni("tar.gz").replaceAll(server.url, "http://no-such-host.invalid");
  const p = new TestProject({ "platformio.ini": ini, "src/main.cpp": SKETCH });
  const failed = await run(p);
  assert.is(failed.code, 4);
  const said = failed.stderr + failed.stdout;
  assert.match(said, /toolchain-atmelavr is not here and could not be fetched: .*no-such-host\.invalid/);
  assert.match(said, /connect to the network.*platform_packages = toolchain-atmelavr@symlink.*fb cache import/);
  assert.not.ok(p.exists("fb.lock"));
});

server.publish("acme", "Blinker", "1.0.0", {
  "library.json": '{"name":"Blinker","version":"1.0.0"}',
  "Blinker.h": "#pragma once\n#define BLINKER 100\n",
});
server.publish("acme", "Blinker", "1.4.0", {
  "library.json": '{"name":"Blinker","version":"1.4.0","dependencies":{"acme/Timer":"^2.0.0"}}',
  "src/Blinker.h": "#pragma once\nint blinker();\n",
  "src/Blinker.cpp": '#include "Blinker.h"\n#include <Timer.h>\nint blinker() { return timer() + 140; }\n',
});
server.publish("acme", "Blinker", "2.0.0", {
  "library.json": '{"name":"Blinker","version":"2.0.0"}',
  "Blinker.h": "#pragma once\n#define BLINKER 200\n",
});
for (const version of ["1.9.0", "2.1.0", "3.0.0"])
  server.publish("acme", "Timer", version, {
    "library.json": `{"name":"Timer","version":"${version}"}`,
    "Timer.h": "#pragma once\nint timer();\n",
    "Timer.cpp": `int timer() { return ${version.replaceAll(".", "")}; }\n`,
  });

const NATIVE = "[env:a]\nplatform = native\nlib_deps = acme/Blinker @ ^1.0\n[env:b]\nplatform = native\nlib_deps = acme/Blinker @ ^1.0\n";
const MAIN = '#include <Blinker.h>\n#include <stdio.h>\nint main() { printf("%d\\n", blinker()); }\n';

test("a library of the registry, with what it needs: newest in range, compiled once for two envs, locked", async () => {
  const p = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN });
  const first = await run(p);
  assert.is(first.code, 0, first.stderr);
  assert.is(printed(p, "a"), "350\n");
  assert.is(printed(p, "b"), "350\n");
  assert.equal(
    ran(first)
      .filter((each) => each.startsWith("fetch"))
      .sort(),
    ["fetch Blinker 1.4.0", "fetch Timer 2.1.0"],
  );
  assert.is(ran(first).filter((each) => each.endsWith("Blinker.cpp")).length, 1);
  const lock = p.read("fb.lock");
  assert.match(lock, /\[library\."acme\/Timer@2\.1\.0"\]/);
  assert.match(lock, /env = "b", spec = "acme\/Timer@\^2\.0\.0", by = "Blinker"/);
  // Newer ones change nothing until they are asked for.
  server.publish("acme", "Timer", "2.2.0", {
    "library.json": '{"name":"Timer","version":"2.2.0"}',
    "Timer.h": "int timer();\n",
    "T.cpp": "int timer() { return 1; }\n",
  });
  p.remove(".fb");
  const asked = server.asked.length;
  const again = await run(p, ["--locked"]);
  assert.is(again.code, 0, again.stderr);
  assert.is(printed(p, "a"), "350\n");
  assert.is(p.read("fb.lock"), lock);
  assert.is(server.asked.length, asked);
});

test("--locked: an ini that asks for more is refused before anything is fetched, with the line", async () => {
  const p = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN });
  assert.is((await run(p)).code, 0);
  p.edit("platformio.ini", "acme/Blinker @ ^1.0", "acme/Blinker @ ^2.0");
  const asked = server.asked.length;
  const refused = await run(p, ["--locked"]);
  assert.is(refused.code, 3);
  assert.match(
    refused.stderr + refused.stdout,
    /fb\.lock has nothing for acme\/Blinker @ \^2\.0.*:\n- \[env:a\] acme\/Blinker @ \^1\.0 \(fb\.lock has acme\/Blinker@1\.4\.0\)\n\+ \[env:a\] acme\/Blinker @ \^2\.0 \(platformio\.ini:3\); fb\.lock has 1\.4\.0/,
  );
  assert.is(server.asked.length, asked);
});

test("a library that a folder of the project has is not fetched", async () => {
  const p = new TestProject({
    "platformio.ini": "[env:a]\nplatform = native\nlib_deps = Own\n",
    "lib/Own/library.json": '{"name":"Own","version":"1.0.0"}',
    "lib/Own/Own.h": "#define OWN 7\n",
    "src/main.cpp": '#include <Own.h>\n#include <stdio.h>\nint main() { printf("%d\\n", OWN); }\n',
  });
  const asked = server.asked.length;
  assert.is((await run(p)).code, 0);
  assert.is(printed(p, "a"), "7\n");
  assert.is(server.asked.length, asked);
  assert.not.ok(p.exists("fb.lock"));
});

test("a tool in a version that only the registry has; one that nobody has: the system's where it is in the range, with a warning, and locked so", async () => {
  server.publish(
    "platformio",
    "toolchain-atmelavr",
    "1.50400.190710",
    { ...TOOLCHAIN, "package.json": '{"name":"toolchain-atmelavr"}' },
    "tool",
  );
  const ini = (range: string) =>
    `[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\nplatform_packages = platformio/toolchain-atmelavr@${range}\n`;
  const p = new TestProject({ "platformio.ini": ini("~1.50400.0"), "src/main.cpp": SKETCH });
  const built = await run(p);
  assert.is(built.code, 0, built.stderr);
  assert.ok(ran(built).includes("fetch toolchain-atmelavr 1.50400.190710"), ran(built).join("\n"));
  assert.match(p.read("fb.lock"), /\[tool\."platformio\/toolchain-atmelavr@1\.50400\.190710"\]/);
  const far = new TestProject({ "platformio.ini": ini("~9.0.0"), "src/main.cpp": SKETCH });
  const refused = await run(far);
  assert.is(refused.code, 3);
  assert.match(refused.stderr, /platformio\.ini:5.*~9\.0\.0 is wanted, fb has .*; the system's own is 5\.4\.0 or 1\.50400\.0/);
  // No server has a registry here.
  const q = new TestProject({ "platformio.ini": ini("~1.50400.0"), "src/main.cpp": SKETCH });
  const alone = (...args: string[]) => q.start(["run", ...args, "--json"], { vars: { FB_REGISTRY: `${server.url}/nowhere` } }).ended;
  const fallen = await alone("--packages", "auto");
  assert.is(fallen.code, 0, fallen.stderr);
  const said = fallen.events.flatMap((e) =>
    e.type === "diagnostic" && e.code === "package.source" ? [`${e.file}:${e.line} ${e.message}`] : [],
  );
  assert.match(said.join("\n"), /platformio\.ini:5 package toolchain-atmelavr: ~1\.50400\.0 is wanted, fb has .*the system's own is used/);
  assert.match(q.read("fb.lock"), /provider = "system"/);
  const again = await alone();
  assert.is(again.code, 0);
  assert.is((await alone("--packages", "fetch")).code, 3);
});

test("what a library of the project needs of a certain owner is fetched, and locked under its name", async () => {
  const p = new TestProject({
    "platformio.ini": "[env:a]\nplatform = native\n",
    "lib/Own/library.json":
      '{"name":"Own","version":"1.0.0","dependencies":[{"owner":"acme","name":"Timer","version":"^3"},{"name":"NoOwner"}]}',
    "lib/Own/Own.h": "#include <Timer.h>\n",
    "src/main.cpp": '#include <Own.h>\n#include <stdio.h>\nint main() { printf("%d\\n", timer()); }\n',
  });
  const built = await run(p);
  assert.is(built.code, 0, built.stderr);
  assert.is(printed(p, "a"), "300\n");
  assert.match(p.read("fb.lock"), /spec = "acme\/Timer@\^3", by = "Own"/);
  const asked = server.asked.length;
  p.remove(".fb");
  assert.is((await run(p, ["--locked"])).code, 0);
  assert.is(server.asked.length, asked);
});

test("a library from an archive's address", async () => {
  const url = server.put("far.tar.xz", archive("far.tar.xz", { "src/Far.h": "#define FAR 5\n" }, "far-main"));
  const p = new TestProject({
    "platformio.ini": `[env:a]\nplatform = native\nlib_deps = ${url}\n`,
    "src/main.cpp": '#include <Far.h>\n#include <stdio.h>\nint main() { printf("%d\\n", FAR); }\n',
  });
  const built = await run(p);
  assert.is(built.code, 0, built.stderr);
  assert.is(printed(p, "a"), "5\n");
  p.remove(".fb");
  assert.is((await run(p, ["--offline"])).code, 0);
});

test("a library that lies deeper in its archive: what it needs is fetched too", async () => {
  server.publish("acme", "Below", "1.0.0", {
    "library.json": '{"name":"Below","version":"1.0.0"}',
    "Below.h": "#pragma once\n#define BELOW 7\n",
  });
  const content = {
    "README.md": "",
    "code/deep/library.json": '{"name":"Deep","version":"1.0.0","dependencies":{"acme/Below":"*"}}',
    "code/deep/src/Deep.h": "#pragma once\n#include <Below.h>\n",
  };
  const url = server.put("deep.tar.gz", archive("deep.tar.gz", content, "deep-main"));
  const p = new TestProject({
    "platformio.ini": `[env:a]\nplatform = native\nlib_deps = ${url}\n`,
    "src/main.cpp": '#include <Deep.h>\n#include <stdio.h>\nint main() { printf("%d\\n", BELOW); }\n',
  });
  const built = await run(p);
  assert.is(built.code, 0, built.stderr);
  assert.is(printed(p, "a"), "7\n");
});

test("a library from a git repository: a tag, a branch and a commit, locked at the commit", async () => {
  const repository = freshFolder("repository");
  const git = (...args: string[]): string => {
    const who = ["-c", "user.name=n", "-c", "user.email=n@example.invalid", "-c", "init.defaultBranch=main"];
    const ended = spawnSync("git", [...who, ...args], { cwd: repository, encoding: "utf8" });
    assert.is(ended.status, 0, ended.stderr);
    return ended.stdout.trim();
  };
  const commit = (value: number): string => {
    writeFileSync(join(repository, "Gitty.h"), `#define GITTY ${value}\n`);
    git("add", "-A");
    git("commit", "-qm", String(value));
    return git("rev-parse", "HEAD");
  };
  git("init", "-q");
  writeFileSync(join(repository, "library.json"), '{"name":"Gitty","version":"1.2.3"}\n');
  const first = commit(1);
  git("tag", "v1");
  commit(2);
  const main = '#include <Gitty.h>\n#include <stdio.h>\nint main() { printf("%d\\n", GITTY); }\n';
  const made = async (ref: string): Promise<[TestProject, string]> => {
    const p = new TestProject({
      "platformio.ini": `[env:a]\nplatform = native\nlib_deps = Gitty=git+file://${repository}${ref}\n`,
      "src/main.cpp": main,
    });
    const built = await run(p);
    assert.is(built.code, 0, built.stderr);
    return [p, printed(p, "a")];
  };
  assert.is((await made("#v1"))[1], "1\n");
  assert.is((await made(`#${first}`))[1], "1\n");
  const [p, printedFirst] = await made("");
  assert.is(printedFirst, "2\n");
  assert.match(p.read("fb.lock"), new RegExp(`from = "git\\+file://.*#${git("rev-parse", "HEAD")}"`));
  commit(3);
  p.remove(".fb");
  assert.is((await run(p)).code, 0);
  assert.is(printed(p, "a"), "2\n", "the lock's commit");
  const other = new TestProject({ "platformio.ini": p.read("platformio.ini"), "fb.lock": p.read("fb.lock"), "src/main.cpp": main });
  assert.is((await run(other, ["--locked"])).code, 0);
  assert.is(printed(other, "a"), "2\n");
  const none = new TestProject({
    "platformio.ini": `[env:a]\nplatform = native\nlib_deps = git+file://${repository}#no-such-tag\n`,
    "src/main.cpp": main,
  });
  const failed = await run(none);
  assert.is(failed.code, 4);
  assert.match(failed.stderr, /has no such branch, tag or commit/);
});

test("a header that is missing: the library that has it, once", async () => {
  const source = (header: string) => `#include <${header}>\nint x;\n`;
  const p = new TestProject({
    "platformio.ini": "[env:a]\nplatform = native\nlib_ignore = Ignored\n",
    "lib/Ignored/src/Ignored.h": "",
    "src/main.cpp": "int main() {}\n",
    "src/one.c": source("FASTLED.h"),
    "src/two.c": source("FASTLED.h"),
    "src/three.c": source("Ignored.h"),
    "src/four.c": source("Timer.h"),
    "src/five.c": source("nobody-knows-it.h"),
  });
  const seen = new TestProject({ "platformio.ini": NATIVE, "src/main.cpp": MAIN }, { cache: p.cache });
  assert.is((await run(seen)).code, 0);
  const failed = await run(p, ["-k"]);
  assert.is(failed.code, 1);
  const hints = failed.events
    .flatMap((e) => (e.type === "diagnostic" && e.code === "library.header" ? [`${e.message}: ${e.hint}`] : []))
    .sort();
  const excluded = failed.events.flatMap((e) => (e.type === "diagnostic" && e.code === "library.excluded" ? [e.message] : []));
  assert.equal(excluded, ["Ignored.h is in library Ignored (lib/Ignored), which this env may not use: lib_ignore names it"]);
  assert.equal(hints, [
    "FASTLED.h belongs to the library fastled/FastLED (it is spelled FastLED.h): add to the env: lib_deps = fastled/FastLED",
    "Timer.h is in the library Timer 2.2.0, which another project has: add to the env: lib_deps = Timer",
    "nobody-knows-it.h is in no library that fb knows: correct the include, or add the library that has it to the env: lib_deps = OWNER/NAME (https://registry.platformio.org/search?q=header:nobody-knows-it.h lists those of the registry)",
  ]);
});

test("where no registry can be asked, what one library needs may be another item of lib_deps", async () => {
  const url = (name: string, needs: string, header: string) => {
    const manifest = `{"name":"${name}","version":"1.0.0","dependencies":${needs}}`;
    return server.put(`${name}.tar.gz`, archive(`${name}.tar.gz`, { "library.json": manifest, [`${name}.h`]: header }));
  };
  const upper = url("Upper", '[{"name":"Lower"}]', "#include <Lower.h>\n");
  const lower = url("Lower", "[]", "#define LOWER 9\n");
  const p = new TestProject({
    "platformio.ini": `[env:a]\nplatform = native\nlib_deps =\n  ${upper}\n  ${lower}\n`,
    "src/main.cpp": '#include <Upper.h>\n#include <stdio.h>\nint main() { printf("%d\\n", LOWER); }\n',
  });
  const vars = { FB_REGISTRY: "http://no-such-host.invalid" };
  const built = await p.start(["run", "--json"], { vars }).ended;
  assert.is(built.code, 0, built.stderr);
  assert.is(printed(p, "a"), "9\n");
});

test("a library that nobody has: the name, and the place in the ini", async () => {
  const p = new TestProject({
    "platformio.ini": "[env:a]\nplatform = native\nlib_deps = acme/Blonker\n",
    "src/main.cpp": "int main() {}\n",
  });
  const failed = await run(p);
  assert.is(failed.code, 4);
  assert.match(failed.stderr + failed.stdout, /platformio\.ini.*acme\/Blonker/s);
});

test.run();
