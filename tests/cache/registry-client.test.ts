/** The registry over a real socket: generated registries, kept answers, hosts that fail, mirrors of files, no network. */
import { newSeed } from "../random.ts";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defaultTiming, type Network, openNetwork } from "../../cache/fetch/network.ts";
import { type RegistryContext, registryJson } from "../../cache/registry-client.ts";
import { answerRegistry, driveDialogue } from "../../cli/registry.ts";
import { parsePackageSpec } from "../../rules/package-spec.ts";
import { choose } from "../../rules/registry.ts";
import { chooseFrom } from "../parity/registry.ts";
import { answerOf, HOSTS, makeWorld, type World } from "../parity/world.ts";

interface Here {
  folder: string;
  base: string;
  network: Network;
  /** Paths that were asked for. */
  asked: string[];
  /** What is answered; the default is the world. */
  handle: (request: IncomingMessage, response: ServerResponse) => void;
  context: RegistryContext;
  close: () => Promise<void>;
}

const test = suite<Here>("registry client");
let world: World = makeWorld(1, 1);
let now = 1_700_000_000_000;

/** The world's three hosts are three folders of the server. */
function fromWorld(request: IncomingMessage, response: ServerResponse): void {
  const [, host = "", rest = ""] = /^\/(api|dl|files)(\/.*)$/.exec(request.url ?? "") ?? [];
  const target = { api: HOSTS.api, dl: HOSTS.dl, files: HOSTS.files }[host];
  if (target === undefined) return void response.writeHead(418).end();
  const { status, headers, body } = answerOf(world, request.method ?? "", target + rest);
  response.writeHead(status, headers).end(request.method === "HEAD" ? "" : body);
}

test.before.each(async (here) => {
  here.folder = mkdtempSync(join(tmpdir(), "fb-registry-"));
  here.asked = [];
  here.handle = fromWorld;
  const server = createServer((request, response) => {
    here.asked.push(`${request.method} ${request.url}`);
    here.handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  here.base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const network = await openNetwork({}, { ...defaultTiming, retries: [1, 1, 1], lookupMs: 500 });
  if (!network.ok) throw new Error(network.failure.message);
  here.network = network.value;
  here.context = {
    hosts: [`${here.base}/api`],
    answers: join(here.folder, "answers"),
    network: here.network,
    mirrors: new Map([
      [HOSTS.dl, `${here.base}/dl`],
      [HOSTS.files, `${here.base}/files`],
    ]),
    signal: null,
    onRetry: () => {},
    now: () => now,
    since: 0,
  };
  here.close = async () => {
    await here.network.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});
test.after.each(async (here) => {
  await here.close();
  rmSync(here.folder, { recursive: true });
});

const seed = newSeed();
test(`over the network the same tools are chosen as from the world itself (seed ${seed})`, async (here) => {
  for (let i = 0; i < 20; i++) {
    world = makeWorld(seed, i);
    const expected = chooseFrom(world).tools;
    for (const [k, item] of world.tools.entries()) {
      const spec = parsePackageSpec(item, null, () => false);
      if (!spec.ok) throw new Error(item);
      // Each world is another registry.
      const context = { ...here.context, answers: join(here.folder, String(i)) };
      const chosen = await driveDialogue(choose("tool", spec.value, null, world.system), (request) =>
        answerRegistry(request, item, context),
      );
      if (!chosen.ok) throw new Error(chosen.failure.message);
      const ours =
        "why" in chosen.value
          ? chosen.value.why
          : [chosen.value.package.owner, chosen.value.package.name, chosen.value.file.url.replace(HOSTS.dl, HOSTS.files)];
      assert.equal(ours, expected[k], `seed ${seed} world ${i} ${item}`);
    }
  }
});

test("an answer is kept for an hour, also that there is none; offline for ever", async (here) => {
  here.handle = (request, response) => response.writeHead(request.url?.includes("none") ? 404 : 200).end("[1]");
  const json = async (path: string, network: Network | null = here.network) => registryJson(path, "acme/Foo", { ...here.context, network });
  assert.equal(await json("/v3/a"), { ok: true, value: [1] });
  assert.equal(await json("/v3/none"), { ok: true, value: null });
  now += 3_599_000;
  assert.equal(await json("/v3/a"), { ok: true, value: [1] });
  assert.equal(await json("/v3/none"), { ok: true, value: null });
  assert.is(here.asked.length, 2);
  now += 1000;
  await json("/v3/a");
  assert.is(here.asked.length, 3);
  now -= 7_200_000;
  await json("/v3/a");
  assert.is(here.asked.length, 4);
  now += 90 * 86_400_000;
  assert.equal(await json("/v3/a", null), { ok: true, value: [1] });
  const missing = await json("/v3/b", null);
  if (missing.ok) throw new Error("expected a failure");
  assert.equal([missing.failure.code, missing.failure.exit, missing.failure.hint !== ""], ["registry.offline", 4, true]);
  assert.match(missing.failure.message, /acme\/Foo/);
  assert.is(here.asked.length, 4);
});

test("a kept answer that is damaged is asked for again; no half one is left", async (here) => {
  here.handle = (_, response) => response.writeHead(200).end("[1]");
  await registryJson("/v3/a", "a", here.context);
  const [file = ""] = readdirSync(here.context.answers);
  for (const text of ["", "{", "null", "7", '{"schema":2,"at":1,"answer":[9]}', '{"schema":1,"at":"x","answer":[9]}']) {
    writeFileSync(join(here.context.answers, file), text);
    assert.equal(await registryJson("/v3/a", "a", here.context), { ok: true, value: [1] });
  }
  assert.equal(readdirSync(here.context.answers), [file]);
});

test("a folder that can not be written keeps nothing and fails nothing", async (here) => {
  here.handle = (_, response) => response.writeHead(200).end("[1]");
  const answers = join(here.folder, "file");
  writeFileSync(answers, "");
  assert.equal(await registryJson("/v3/a", "a", { ...here.context, answers: join(answers, "x") }), { ok: true, value: [1] });
});

test("5xx and broken connections are tried again, a second host is asked before anything is waited for", async (here) => {
  let left = 2;
  here.handle = (request, response) => {
    if (request.url?.startsWith("/api")) response.writeHead(503).end();
    else if (left-- > 0) request.socket.destroy();
    else response.writeHead(200).end("[2]");
  };
  const waits: number[] = [];
  const hosts = [`${here.base}/api`, `${here.base}/two`];
  const got = await registryJson("/v3/a", "a", { ...here.context, hosts, onRetry: (_, wait) => waits.push(wait) });
  assert.equal(got, { ok: true, value: [2] });
  assert.equal([waits.length, here.asked.length], [2, 6]);
});

const refusals: readonly (readonly [what: string, status: number, body: string, code: string, asked: number])[] = [
  ["500 for ever", 500, "", "fetch.server", 4],
  ["403", 403, "", "fetch.denied", 1],
  ["429", 429, "", "fetch.denied", 1],
  ["302", 302, "", "fetch.status", 1],
  ["a page", 200, "<html>log in</html>", "registry.answer", 1],
  ["half of an answer", 200, '{"a": [1', "registry.answer", 1],
];
for (const [what, status, body, code, asked] of refusals)
  test(`${what} is ${code}, asked ${asked} times, and not kept`, async (here) => {
    here.handle = (_, response) => response.writeHead(status).end(body);
    const got = await registryJson("/v3/a", "a", here.context);
    if (got.ok) throw new Error("expected a failure");
    assert.equal([got.failure.code, got.failure.exit, got.failure.hint !== "", here.asked.length], [code, 4, true, asked]);
    assert.not(existsSync(here.context.answers));
  });

test("a name that does not resolve is not tried again", async (here) => {
  const hosts = ["http://nowhere.invalid", "http://nowhere2.invalid"];
  let waits = 0;
  const got = await registryJson("/v3/a", "acme/Foo", { ...here.context, hosts, onRetry: () => waits++ });
  if (got.ok) throw new Error("expected a failure");
  assert.equal([got.failure.code, got.failure.exit, waits], ["fetch.no-network", 4, 0]);
});

test("an interruption ends it at once", async (here) => {
  const stop = new AbortController();
  here.handle = () => stop.abort();
  const got = await registryJson("/v3/a", "a", { ...here.context, signal: stop.signal });
  assert.is(got.ok ? "" : got.failure.code, "fetch.aborted");
});

test.run();
