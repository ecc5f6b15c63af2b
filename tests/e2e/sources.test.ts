/** Where packages come from, through the binary: credentials, Arduino's indexes, other machines' files, what a failed run leaves. */
import { existsSync, globSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { thisMachine } from "../../cli/host/machine.ts";
import { ends, isNoop, type Ran, result, TestProject } from "./harness.ts";
import { archive, LEAST_CORE, PackageServer, sha256, TOOLCHAIN } from "./package-server.ts";

const server = await PackageServer.start();
const other = await PackageServer.start();
test.after(async () => {
  await server.close();
  await other.close();
});

function fb(p: TestProject, ...args: string[]): Promise<Ran> {
  return p.start(args, { vars: { FB_REGISTRY: server.url } }).ended;
}

const SKETCH = "#include <Arduino.h>\nvoid setup() {}\nvoid loop() {}\n";
const toolchain = archive("toolchain.tar.gz", TOOLCHAIN);
const core = archive("core.tar.gz", LEAST_CORE);
const library = archive("far.tar.gz", { "src/Far.h": "#define FAR 5\n" });
const MAIN = "#include <Far.h>\nint main() { return FAR; }\n";

function fetched(ran: Ran): string[] {
  return ends(ran).flatMap((e) => (e.kind === "fetch" && e.status === "ran" ? [e.label.split(" ")[0] ?? ""] : []));
}

/** Every file of a project and its cache that holds a text. */
function holding(p: TestProject, text: string): string[] {
  return [p.folder, p.cache].flatMap((folder) =>
    globSync(["**/*", "**/.*/**/*"], { cwd: folder }).filter((path) => {
      const file = join(folder, path);
      return statSync(file).isFile() && readFileSync(file, "latin1").includes(text);
    }),
  );
}

test("credentials of a url: sent to its host alone; no message, lock or kept download has them, and another password changes nothing", async () => {
  const basic = (password: string) => `Basic ${Buffer.from(`user:${password}`).toString("base64")}`;
  server.put("guarded/core.tar.gz", core);
  server.put("guarded/far.tar.gz", library);
  other.put("there.tar.gz", toolchain);
  server.redirects.set("/guarded/toolchain.tar.gz", `${other.url}/there.tar.gz`);
  const guard = (password: string) => {
    for (const name of ["core", "far", "toolchain"]) server.guarded.set(`/guarded/${name}.tar.gz`, basic(password));
  };
  guard("s3cr%t");
  const ini = (password: string) => {
    const at = server.url.replace("://", `://user:${password}@`);
    return `[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\nplatform_packages =\n  toolchain-atmelavr @ ${at}/guarded/toolchain.tar.gz\n  framework-arduino-avr @ ${at}/guarded/core.tar.gz\nlib_deps = Far=${at}/guarded/far.tar.gz\n`;
  };
  const p = new TestProject({ "platformio.ini": ini("wr0ng"), "src/main.cpp": `#include <Far.h>\n${SKETCH}` });
  const denied = await fb(p, "run", "--json", "-v");
  assert.is(denied.code, 4);
  assert.match(denied.stderr, /guarded\/(?:core|toolchain)\.tar\.gz: the server refuses access \(HTTP 401\)/);
  assert.not.match(denied.stderr + denied.stdout, /wr0ng/);
  p.write("platformio.ini", ini("s3cr%%25t"));
  const built = await fb(p, "run", "--json", "-v");
  assert.is(built.code, 0, built.stderr);
  assert.not.match(built.stderr + built.stdout, /s3cr/);
  assert.is(server.told.get("/guarded/core.tar.gz"), basic("s3cr%t"));
  assert.is(other.told.get("/there.tar.gz"), undefined, "the host that is redirected to is another one");
  const lock = p.read("fb.lock");
  assert.match(lock, /guarded\/far\.tar\.gz/);
  assert.not.match(lock, /s3cr|user:/);
  const told = await fb(p, "deps", "--json");
  assert.not.match(told.stdout + told.stderr, /s3cr/);
  assert.equal(
    holding(p, "s3cr").filter((path) => path !== "platformio.ini"),
    [],
  );
  guard("oth3r");
  p.write("platformio.ini", ini("oth3r"));
  p.remove(".fb");
  const again = await fb(
    new TestProject({ "platformio.ini": p.read("platformio.ini"), "fb.lock": lock, "src/main.cpp": p.read("src/main.cpp") }),
    "run",
    "--locked",
    "--json",
  );
  assert.is(again.code, 0, again.stderr);
});

const HOSTS: Readonly<Record<string, string>> = {
  linux_x86_64: "x86_64-pc-linux-gnu",
  linux_aarch64: "aarch64-linux-gnu",
  linux_armv7l: "arm-linux-gnueabihf",
  darwin_x86_64: "x86_64-apple-darwin14",
  darwin_arm64: "arm64-apple-darwin14",
};
const here = HOSTS[thisMachine()] ?? "x86_64-pc-linux-gnu";

/** An index in Arduino's own shape, with things that fb has no use for. */
function index(): string {
  const file = (name: string, data: Buffer, more: object = {}) => ({
    ...more,
    ...{ url: server.put(name, data), archiveFileName: name, checksum: `SHA-256:${sha256(data).toUpperCase()}`, size: String(data.length) },
  });
  const elsewhere = (host: string) => ({
    ...{ host, url: `https://far.invalid/${host}.zip`, archiveFileName: `${host}.zip`, checksum: `SHA-256:${"a".repeat(64)}`, size: "7" },
  });
  const tool = (version: string) => ({
    ...{ name: "avr-gcc", version },
    systems: [
      file(`avr-gcc-${version}.tar.gz`, archive("t.tar.gz", { ...TOOLCHAIN, version }), { host: here }),
      elsewhere("i686-mingw32"),
      elsewhere("all-of-mars"),
    ],
  });
  return JSON.stringify({
    packages: [
      {
        ...{
          name: "arduino",
          maintainer: "Arduino",
          websiteURL: "https://www.arduino.cc/",
          email: "a@example.invalid",
          help: { online: "" },
        },
        platforms: [
          {
            ...{ name: "Arduino AVR Boards", architecture: "avr", version: "1.8.6", deprecated: false, category: "Arduino" },
            ...file("avr-1.8.6.tar.gz", core),
            boards: [{ name: "Arduino Uno" }],
            toolsDependencies: [{ packager: "arduino", name: "avr-gcc", version: "5.4.0-atmel3.6.1-arduino2" }],
            discoveryDependencies: [{ packager: "builtin", name: "serial-discovery" }],
          },
        ],
        tools: [
          tool("4.9.2-atmel3.5.4-arduino2"),
          tool("5.4.0-atmel3.6.1-arduino2"),
          { name: "nobody", version: "1", systems: [elsewhere("i686-mingw32")] },
        ],
      },
      { name: "../evil", platforms: [], tools: [{ name: "x", version: "1", systems: [] }] },
    ],
  });
}

function indexed(packages: string, toml = `schema = 1\n[packages]\nindexes = ["${server.url}/package_index.json"]\n`): TestProject {
  return new TestProject({
    "platformio.ini": `[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\nplatform_packages =\n${packages}`,
    "fb.toml": toml,
    "src/main.cpp": SKETCH,
  });
}

test("Arduino's index: a tool and a core by packager and name, a version by fb's own name; locked for every machine, and the same offline", async () => {
  server.put("package_index.json", Buffer.from(index()));
  const p = indexed("  toolchain-atmelavr @ arduino:avr-gcc@5.4.0-atmel3.6.1-arduino2\n  framework-arduino-avr @ arduino:avr\n");
  const built = await fb(p, "run", "--json");
  assert.is(built.code, 0, built.stderr);
  assert.match(built.stderr, /packages\[1\]: expected "name" to be a name; it is left out/);
  const image = result(built).artifacts[0]?.sha256;
  const lock = p.read("fb.lock");
  assert.match(lock, /\[tool\."arduino\/toolchain-atmelavr@5\.4\.0-atmel3\.6\.1-arduino2"\]\nprovider = "fetch"\nsource = "index"/);
  assert.match(lock, /system = "windows_x86", from = "https:\/\/far\.invalid\/i686-mingw32\.zip", sha256 = "a{64}", size = 7 }/);
  assert.match(lock, /\[tool\."arduino\/framework-arduino-avr@1\.8\.6"\]/);
  isNoop(await fb(p, "run", "--json"));
  p.remove(".fb");
  const asked = server.asked.length;
  const again = await fb(p, "run", "--json", "--offline", "--locked");
  assert.is(again.code, 0, again.stderr);
  assert.equal([result(again).artifacts[0]?.sha256, p.read("fb.lock"), server.asked.length], [image, lock, asked]);
  // The same index was asked a moment ago.
  const byVersion = indexed("  toolchain-atmelavr @ 4.9.2-atmel3.5.4-arduino2\n  framework-arduino-avr @ arduino:avr@1.8.6\n");
  const old = await fb(byVersion, "run", "--json");
  assert.is(old.code, 0, old.stderr);
  assert.match(byVersion.read("fb.lock"), /arduino\/toolchain-atmelavr@4\.9\.2-atmel3\.5\.4-arduino2/);
  // An ini that names another version is not what is locked.
  p.edit("platformio.ini", "5.4.0-atmel3.6.1-arduino2", "4.9.2-atmel3.5.4-arduino2");
  const drifted = await fb(p, "run", "--locked");
  assert.is(drifted.code, 3, drifted.stderr);
  assert.match(drifted.stderr, /fb\.lock/);
});

for (const [what, packages, toml, code, says] of [
  [
    "no index is named",
    "  toolchain-atmelavr @ arduino:avr-gcc\n",
    "schema = 1\n",
    3,
    /platformio\.ini:6.*arduino:avr-gcc is of an Arduino index, and none is named(?:.*\n)*.*\[packages\] indexes/,
  ],
  [
    "a version that it has not",
    "  toolchain-atmelavr @ arduino:avr-gcc@1.0.0\n",
    null,
    3,
    /no index has arduino:avr-gcc@1\.0\.0(?:.*\n)*.*it has 4\.9\.2-atmel3\.5\.4-arduino2, 5\.4\.0/,
  ],
  ["a name that is nearly right", "  toolchain-atmelavr @ arduino:avr-gc\n", null, 3, /did you mean "arduino:avr-gcc"/],
  ["nothing for this machine", "  toolchain-atmelavr @ arduino:nobody\n", null, 3, /for no machine like this one/],
  [
    "an index that is a page",
    "  toolchain-atmelavr @ arduino:avr-gcc\n",
    `schema = 1\n[packages]\nindexes = ["${server.url}/page"]\n`,
    4,
    /page:1:1.*expected/,
  ],
  [
    "an index that is not there",
    "  toolchain-atmelavr @ arduino:avr-gcc\n",
    `schema = 1\n[packages]\nindexes = ["${server.url}/nowhere"]\n`,
    4,
    /nowhere: there is no such file \(HTTP 404\)/,
  ],
] as const)
  test(`Arduino's index, ${what}`, async () => {
    server.put("package_index.json", Buffer.from(index()));
    server.put("page", Buffer.from("<html>log in</html>"));
    const p = toml === null ? indexed(packages) : indexed(packages, toml);
    const failed = await fb(p, "run");
    assert.is(failed.code, code, failed.stderr);
    assert.match(failed.stderr, says);
    assert.not.ok(p.exists("fb.lock"));
  });

test("a tool of the registry: the lock has every machine's file", async () => {
  const systems = [thisMachine(), "darwin_arm64", "windows_amd64"];
  server.publish(
    "platformio",
    "toolchain-atmelavr",
    "1.50400.1",
    { ...TOOLCHAIN, "package.json": '{"name":"toolchain-atmelavr"}' },
    "tool",
    systems,
  );
  const p = new TestProject({
    "platformio.ini":
      "[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\nplatform_packages = platformio/toolchain-atmelavr@1.50400.1\n",
    "src/main.cpp": SKETCH,
  });
  const built = await fb(p, "run", "--json");
  assert.is(built.code, 0, built.stderr);
  const lock = p.read("fb.lock");
  for (const system of systems)
    assert.match(lock, new RegExp(`system = "${system}", from = "http.*", sha256 = "[0-9a-f]{64}", size = \\d+`));
  p.remove(".fb");
  assert.is((await fb(p, "run", "--locked", "--offline")).code, 0);
  assert.is(p.read("fb.lock"), lock);
});

test("a run in which one package fails: what came stays, the lock forgets nothing, and the next run fetches the rest alone", async () => {
  const url = server.put("half/toolchain.tar.gz", toolchain);
  const far = server.put("half/far.tar.gz", library);
  const p = new TestProject({
    "platformio.ini": `[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\nplatform_packages =\n  toolchain-atmelavr @ ${url}\n  framework-arduino-avr @ ${server.url}/half/core.tar.gz\nlib_deps =\n  Far=${far}\n  Late=${server.url}/half/late.tar.gz\n`,
    "src/main.cpp": `#include <Far.h>\n${SKETCH}`,
  });
  const first = await fb(p, "run", "--json");
  assert.is(first.code, 4);
  assert.equal(fetched(first), ["toolchain-atmelavr"]);
  server.put("half/core.tar.gz", core);
  const second = await fb(p, "run", "--json");
  assert.is(second.code, 4);
  assert.match(second.stderr, /Late is not here .*late\.tar\.gz.*\n?.*hint: .*put it into the project's lib folder: lib\/Late/);
  assert.not.match(second.stderr, /platform_packages/);
  assert.equal(fetched(second).sort(), ["Far", "framework-arduino-avr"]);
  server.put("half/late.tar.gz", archive("late.tar.gz", { "Late.h": "" }));
  const third = await fb(p, "run", "--json");
  assert.is(third.code, 0, third.stderr);
  assert.equal(fetched(third), ["Late"]);
  assert.not.ok(p.exists(".fb/state/halfway.json"));
  // The lock holds all; on a machine that gets only a part it still does.
  const lock = p.read("fb.lock");
  server.put("half/late.tar.gz", Buffer.from("something else"));
  const q = new TestProject({ "platformio.ini": p.read("platformio.ini"), "fb.lock": lock, "src/main.cpp": p.read("src/main.cpp") });
  assert.is((await fb(q, "run", "--json")).code, 4);
  assert.is(q.read("fb.lock"), lock);
});

test("fb tool fetch heeds [mirrors] and credentials of the project it runs in", async () => {
  const data = archive("t.tar.gz", { "src/Far.h": "#define FAR 6\n" });
  server.put("tool/far.tar.gz", data);
  const p = new TestProject({
    "platformio.ini": "[env:a]\nplatform = native\n",
    "fb.toml": `schema = 1\n[mirrors]\n"https://vendor.invalid/" = "${server.url}/tool/"\n`,
  });
  const layout = { strip: true, subfolder: "", executables: [], outsideLinks: "omit" };
  const sources = [{ from: "https://vendor.invalid/far.tar.gz", sha256: sha256(data), size: data.length, version: "1.0.0", layout }];
  const offer = {
    kind: "library",
    name: "Far",
    owner: "",
    version: "1.0.0",
    is: "archive",
    sources,
    program: "",
    debian: [],
    orSystem: false,
  };
  const ran = await fb(p, "tool", "fetch", JSON.stringify(offer), "stamp");
  assert.is(ran.code, 0, ran.stderr);
  assert.is(JSON.parse(p.read("stamp")).sha256, sha256(data));
});

test("packages that only runs without work use are of use", async () => {
  const p = new TestProject({
    "platformio.ini": `[env:a]\nplatform = native\nlib_deps = Far=${server.put("used/far.tar.gz", library)}\n`,
    "src/main.cpp": MAIN,
  });
  assert.is((await fb(p, "run", "--json")).code, 0);
  assert.is((await fb(p, "run", "--json", ":elf")).code, 0);
  const marks = join(p.cache, "used");
  const [mark = ""] = readdirSync(marks);
  const old = new Date(Date.now() - 40 * 86_400_000);
  utimesSync(join(marks, mark), old, old);
  isNoop(await fb(p, "run", "--json"));
  assert.ok(Date.now() - statSync(join(marks, mark)).mtimeMs < 60_000, "the mark is of today");
  assert.ok(existsSync(join(p.cache, "packages", mark)));
});

test.run();
