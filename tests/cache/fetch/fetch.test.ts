/** Downloads from a real local server that misbehaves in every way: each ends as specified, and only whole, right files lie in `downloads/`. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fetchUrl } from "../../../cache/fetch/fetch.ts";
import { mirrored } from "../../../cache/fetch/mirrors.ts";
import { openNetwork } from "../../../cache/fetch/network.ts";
import { partialKey } from "../../../cache/fetch/partial.ts";
import type { FetchContext, FetchRequest } from "../../../cache/fetch/request.ts";
import type { Failure } from "../../../engine/types.ts";
import { sha, temporary } from "../help.ts";
import { type Answer, contextFor, network, quick, serve } from "./server.ts";

const body = gzipSync(Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) & 255)), { level: 0 });
const sum = sha(body);
const half = body.length >> 1;

const whole: Answer = (_, response) => response.writeHead(200, { "content-length": body.length, etag: '"one"' }).end(body);
/** Half of it, then the connection is cut. */
const cut: Answer = (_, response) => {
  response.writeHead(200, { "content-length": body.length, etag: '"one"' });
  response.write(body.subarray(0, half), () => response.destroy());
};
/** What Range asks, if the file is still the one that If-Range names. */
const ranged: Answer = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from === 0 || request.headers["if-range"] !== '"one"') return whole(request, response, 0);
  const range = `bytes ${from}-${body.length - 1}/${body.length}`;
  response.writeHead(206, { "content-length": body.length - from, "content-range": range, etag: '"one"' }).end(body.subarray(from));
};

const request = (url: string, more: Partial<FetchRequest> = {}): FetchRequest => ({ url, sha256: sum, size: null, archive: true, ...more });

interface Case {
  readonly name: string;
  readonly answer: Answer;
  /** null: it succeeds. */
  readonly code: string | null;
  /** Requests that arrive. */
  readonly asked: number;
  readonly says?: RegExp;
  readonly request?: Partial<FetchRequest>;
}

const cases: readonly Case[] = [
  { name: "whole", answer: whole, code: null, asked: 1 },
  { name: "500 then ok", answer: (q, r, n) => (n === 0 ? r.writeHead(500).end("oh") : whole(q, r, n)), code: null, asked: 2 },
  { name: "503 for ever", answer: (_, r) => r.writeHead(503).end(), code: "fetch.server", asked: 4, says: /HTTP 503.*4 tries/ },
  { name: "404", answer: (_, r) => r.writeHead(404).end("<html>nothing here</html>"), code: "fetch.not-found", asked: 1, says: /HTTP 404/ },
  { name: "403", answer: (_, r) => r.writeHead(403).end(), code: "fetch.denied", asked: 1 },
  {
    name: "429 is not tried again",
    answer: (_, r) => r.writeHead(429).end(),
    code: "fetch.denied",
    asked: 1,
    says: /no more for now \(HTTP 429\)/,
  },
  { name: "reset then ok", answer: (q, r, n) => (n === 0 ? void r.socket?.resetAndDestroy() : whole(q, r, n)), code: null, asked: 2 },
  { name: "dies half way, then resumes", answer: (q, r, n) => (n === 0 ? cut(q, r, n) : ranged(q, r, n)), code: null, asked: 2 },
  { name: "dies half way, then ignores Range", answer: (q, r, n) => (n === 0 ? cut(q, r, n) : whole(q, r, n)), code: null, asked: 2 },
  { name: "truncated each time", answer: cut, code: "fetch.broken", asked: 4, says: new RegExp(`of ${body.length} bytes`) },
  {
    name: "a range that was not asked for",
    answer: (q, r, n) => {
      if (n === 0) cut(q, r, n);
      else if (n === 1) r.writeHead(206, { "content-range": `bytes 7-${body.length - 1}/${body.length}` }).end(body.subarray(7));
      else whole(q, r, n);
    },
    code: null,
    asked: 3,
  },
  {
    name: "a part though the whole was asked for, each time",
    answer: (_, r) => r.writeHead(206, { "content-range": "bytes 5-9/100" }).end(body.subarray(5, 10)),
    code: "fetch.status",
    asked: 1,
    says: /HTTP 206/,
  },
  {
    name: "416 begins anew",
    answer: (q, r, n) => (n === 0 ? cut(q, r, n) : n === 1 ? r.writeHead(416).end() : whole(q, r, n)),
    code: null,
    asked: 3,
  },
  {
    name: "stalls for ever",
    answer: (_, r) => {
      r.writeHead(200, { "content-length": body.length });
      r.write(body.subarray(0, 1000));
    },
    code: "fetch.timeout",
    asked: 4,
    says: /sent nothing for 0\.4 s/,
  },
  { name: "never answers", answer: () => {}, code: "fetch.timeout", asked: 4, says: /does not answer/ },
  {
    name: "slow but steady",
    answer: (_, r) => {
      r.writeHead(200, { "content-length": body.length });
      let at = 0;
      const next = () => {
        r.write(body.subarray(at, (at += 60_000)));
        if (at < body.length) setTimeout(next, 20);
        else r.end();
      };
      next();
    },
    code: null,
    asked: 1,
  },
  {
    name: "wrong checksum",
    answer: (_, r) => r.end(gzipSync("other")),
    code: "fetch.checksum",
    asked: 1,
    says: new RegExp(`${sum}.*${sha(gzipSync("other"))}`),
  },
  {
    name: "another length than declared in the lock",
    answer: whole,
    request: { size: body.length + 5 },
    code: "fetch.length",
    asked: 1,
    says: /expected \d+ bytes, got \d+/,
  },
  {
    name: "more bytes than declared by the server",
    answer: (_, r) =>
      void r.socket?.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${half}\r\nconnection: close\r\n\r\n`), body])),
    code: "fetch.checksum",
    asked: 1,
  },
  {
    name: "HTML instead of an archive",
    answer: (_, r) => r.end("\n<!DOCTYPE html><title>Log in</title>"),
    code: "fetch.html",
    asked: 1,
    says: /HTML/,
  },
  { name: "HTML, no sum known", answer: (_, r) => r.end("<html>"), request: { sha256: null }, code: "fetch.html", asked: 1 },
  {
    name: "sent compressed although nobody asked",
    answer: (_, r) => r.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(body)),
    code: "fetch.checksum",
    asked: 1,
    says: /got [0-9a-f]{64}; .*Content-Encoding gzip/,
  },
  {
    name: "an archive that is called compressed, and sent as it is",
    answer: (_, r) => r.writeHead(200, { "content-encoding": "x-gzip" }).end(body),
    code: null,
    asked: 1,
  },
  { name: "chunked, no length", answer: (_, r) => r.end(body), code: null, asked: 1 },
];

for (const c of cases)
  test(c.name, async () => {
    const folder = temporary();
    const server = await serve({ "/a.tar.gz": c.answer });
    const net = await network();
    try {
      const url = `${server.base}/a.tar.gz`;
      const seen: number[] = [];
      const got = await fetchUrl(request(url, c.request), contextFor(folder, net, { onProgress: (n) => seen.push(n) }));
      assert.is(server.asked.length, c.asked, server.asked.join("\n"));
      if (got.ok) {
        assert.is(c.code, null, "it succeeded");
        assert.ok(readFileSync(got.value.file).equals(body));
        assert.is(got.value.sha256, sum);
        assert.is(seen.at(-1), body.length);
        assert.equal(readdirSync(folder), [sum]);
      } else {
        assert.is(got.failure.code, c.code, got.failure.message);
        assert.is(got.failure.exit, 4);
        assert.ok(got.failure.message.includes(url), got.failure.message);
        assert.ok(got.failure.hint !== "");
        if (c.says !== undefined) assert.match(got.failure.message, c.says);
        assert.not(existsSync(join(folder, sum)));
        // What can go on is kept; what was wrong is gone.
        const left = readdirSync(folder);
        assert.ok(
          c.code === "fetch.broken" || c.code === "fetch.timeout" ? left.every((f) => f.endsWith("-free")) : left.length === 0,
          left.join(),
        );
      }
    } finally {
      await net.close();
      await server.close();
    }
  });

test("a broken download goes on in the next run, which asks for the rest only", async () => {
  const folder = temporary();
  const server = await serve({ "/a": (q, r, n) => (n < 4 ? cut(q, r, n) : ranged(q, r, n)) });
  const net = await network();
  const first = await fetchUrl(request(`${server.base}/a`), contextFor(folder, net));
  assert.is(first.ok, false);
  const second = await fetchUrl(request(`${server.base}/a`), contextFor(folder, net));
  assert.is(second.ok, true);
  assert.match(server.asked.at(-1) ?? "", /bytes=\d{4,}-/);
  assert.equal(readdirSync(folder), [sum]);
  const third = await fetchUrl(request(`${server.base}/a`), contextFor(folder, null));
  assert.ok(third.ok && third.value.cached, "offline, it is there");
  writeFileSync(join(folder, sum), "damaged");
  const fourth = await fetchUrl(request(`${server.base}/a`), contextFor(folder, net));
  assert.ok(fourth.ok && !fourth.value.cached && readFileSync(fourth.value.file).equals(body), "a damaged download is fetched again");
  await net.close();
  await server.close();
});

test("a beginning of another file is found out by the sum, and fetched from the start", async () => {
  const folder = temporary();
  const server = await serve({ "/a": ranged });
  const net = await network();
  const url = `${server.base}/a`;
  const left = join(folder, `.part-${partialKey(url, sum)}-1-1-0`);
  mkdirSync(left);
  writeFileSync(join(left, "data"), Buffer.alloc(1000, 7));
  writeFileSync(join(left, "about.json"), JSON.stringify({ url, validator: '"one"' }));
  const got = await fetchUrl(request(url), contextFor(folder, net));
  assert.ok(got.ok, got.ok ? "" : got.failure.message);
  assert.equal(server.asked, ["/a bytes=1000-", "/a"]);
  assert.equal(readdirSync(folder), [sum]);
  await net.close();
  await server.close();
});

test("a killed process's download is taken over; one of another sum is not", async () => {
  const folder = temporary();
  let reached: () => void = () => {};
  const halfWay = new Promise<void>((resolve) => (reached = resolve));
  const server = await serve({
    "/a": (q, r, n) => {
      if (n > 0) return ranged(q, r, n);
      r.writeHead(200, { "content-length": body.length, etag: '"one"' });
      r.write(body.subarray(0, half), () => reached());
    },
  });
  const url = `${server.base}/a`;
  const child = spawn(process.execPath, [fileURLToPath(new URL("fetch-child.ts", import.meta.url)), folder, url, sum], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await halfWay;
  // The child says how much it has written.
  await new Promise<void>((resolve) => {
    let text = "";
    child.stdout.on("data", (d: Buffer) => {
      text += d;
      if (text.includes(`${half}\n`)) resolve();
    });
  });
  child.kill("SIGKILL");
  await new Promise((resolve) => child.on("close", resolve));
  assert.is(readdirSync(folder).length, 1);
  const net = await network();
  const other = await fetchUrl(request(url, { sha256: "0".repeat(64) }), contextFor(folder, net));
  assert.is(other.ok, false);
  assert.is(server.asked.at(-1), "/a", "no range: the sum is another");
  const got = await fetchUrl(request(url), contextFor(folder, net));
  assert.is(got.ok, true);
  assert.is(server.asked.at(-1), `/a bytes=${half}-`);
  assert.equal(readdirSync(folder), [sum]);
  await net.close();
  await server.close();
});

test("two at once, in one process and in two, end with one good file", async () => {
  const folder = temporary();
  const server = await serve({ "/a": whole });
  const net = await network();
  const url = `${server.base}/a`;
  const child = () =>
    new Promise<number | null>((resolve) => {
      const c = spawn(process.execPath, [fileURLToPath(new URL("fetch-child.ts", import.meta.url)), folder, url, sum], { stdio: "ignore" });
      c.on("close", resolve);
    });
  const [a, b, c, d] = await Promise.all([
    fetchUrl(request(url), contextFor(folder, net)),
    fetchUrl(request(url), contextFor(folder, net)),
    child(),
    child(),
  ]);
  assert.ok(a.ok && b.ok);
  assert.is(c, 0);
  assert.is(d, 0);
  assert.equal(readdirSync(folder), [sum]);
  assert.ok(readFileSync(join(folder, sum)).equals(body));
  await net.close();
  await server.close();
});

test("redirects are followed, a loop is not", async () => {
  const folder = temporary();
  const to = (where: string): Answer => {
    return (_, r) => r.writeHead(302, { location: where }).end("moved");
  };
  const server = await serve({ "/a": to("/b"), "/b": to("c"), "/c": whole, "/loop": to("/loop"), "/ftp": to("file:///etc/passwd") });
  const net = await network();
  const got = await fetchUrl(request(`${server.base}/a`), contextFor(folder, net));
  assert.ok(got.ok);
  for (const [path, says] of [
    ["/loop", /redirects more than 10 times/],
    ["/ftp", /no http url/],
  ] as const) {
    const bad = await fetchUrl(request(`${server.base}${path}`, { sha256: null }), contextFor(folder, net));
    assert.ok(!bad.ok && bad.failure.code === "fetch.redirects" && says.test(bad.failure.message), bad.ok ? "" : bad.failure.message);
  }
  await net.close();
  await server.close();
});

test("no network: not tried again, within five seconds; a refused connection is tried again", async () => {
  const folder = temporary();
  const net = await network({}, { ...quick, retries: [60_000] });
  const retried: Failure[] = [];
  const context = contextFor(folder, net, { onRetry: (f) => retried.push(f) });
  const began = Date.now();
  const lost = await fetchUrl(request("http://packages.nowhere.invalid/a.tar.gz"), context);
  assert.ok(!lost.ok && lost.failure.code === "fetch.no-network", lost.ok ? "" : lost.failure.message);
  assert.ok(Date.now() - began < 5000);
  assert.is(retried.length, 0);
  for (const way of [/proxy/i, /mirror/i, /cache import/]) assert.match(lost.failure.hint, way);
  await net.close();

  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  const again = await network();
  const refused = await fetchUrl(request(`http://127.0.0.1:${port}/a`), contextFor(folder, again, { onRetry: (f) => retried.push(f) }));
  assert.ok(!refused.ok && refused.failure.code === "fetch.refused");
  assert.is(retried.length, 3);
  await again.close();
});

test("an interruption ends it at once, and leaves what can be resumed", async () => {
  const folder = temporary();
  const server = await serve({
    "/a": (_, r) => {
      r.writeHead(200, { "content-length": body.length, etag: '"one"' });
      r.write(body.subarray(0, half));
    },
  });
  const net = await network({}, { ...quick, stallMs: 60_000 });
  const stop = new AbortController();
  const context: FetchContext = contextFor(folder, net, { signal: stop.signal, onProgress: (n) => n >= half && stop.abort() });
  const got = await fetchUrl(request(`${server.base}/a`), context);
  assert.ok(!got.ok && got.failure.code === "fetch.aborted");
  assert.equal(readdirSync(folder), [`.part-${partialKey(`${server.base}/a`, sum)}-free`]);
  await net.close();
  await server.close();
});

test("a proxy from the environment is used, NO_PROXY goes around it, a bad one is named", async () => {
  const folder = temporary();
  const server = await serve({ "/a": whole });
  const proxy = await serve({ "http://files.invalid/a": whole, "http://files.invalid/denied": (_, r) => r.writeHead(407).end() });
  const cases = [
    ["http://files.invalid/a", { HTTP_PROXY: proxy.base }, null],
    ["http://files.invalid/a", { http_proxy: proxy.base.replace("http://", "") }, null],
    ["http://files.invalid/denied", { HTTP_PROXY: proxy.base }, "fetch.denied"],
    [`${server.base}/a`, { HTTP_PROXY: "http://127.0.0.1:9", NO_PROXY: "example.org,127.0.0.1" }, null],
    ["http://files.invalid/a", { HTTP_PROXY: proxy.base, NO_PROXY: ".invalid" }, "fetch.no-network"],
  ] as const;
  for (const [url, vars, code] of cases) {
    const net = await network(vars);
    const got = await fetchUrl(request(url, { sha256: null }), contextFor(folder, net));
    assert.is(got.ok ? null : got.failure.code, code, `${url} ${JSON.stringify(vars)}`);
    await net.close();
  }
  const bad = await openNetwork({ HTTPS_PROXY: "socks4://user:secret@x" });
  assert.ok(!bad.ok && bad.failure.code === "fetch.proxy" && !bad.failure.message.includes("secret"));
  const noFile = await openNetwork({ SSL_CERT_FILE: join(folder, "none.pem") });
  assert.ok(!noFile.ok && noFile.failure.code === "fetch.certificates" && noFile.failure.message.includes("none.pem"));
  await proxy.close();
  await server.close();
});

test("a folder for downloads that can not be is a failure; what nobody took up for weeks is removed", async () => {
  const folder = temporary();
  writeFileSync(join(folder, "file"), "");
  const net = await network();
  const bad = await fetchUrl(request("http://127.0.0.1:9/a"), contextFor(join(folder, "file/downloads"), net));
  assert.ok(!bad.ok && bad.failure.code === "fetch.write" && bad.failure.message.includes("file/downloads"));
  const server = await serve({ "/a": whole });
  const old = join(folder, `.part-${"0".repeat(16)}-free`);
  const fresh = join(folder, `.part-${"1".repeat(16)}-1-1-0-0`);
  for (const left of [old, fresh]) mkdirSync(left);
  utimesSync(old, 1000, 1000);
  assert.ok((await fetchUrl(request(`${server.base}/a`), contextFor(folder, net))).ok);
  assert.equal([existsSync(old), existsSync(fresh)], [false, true]);
  await server.close();
  await net.close();
});

test("file urls are copied and checked like any other", async () => {
  const folder = temporary();
  const file = join(folder, "höader a.tar.gz");
  writeFileSync(file, body);
  const downloads = join(folder, "downloads");
  const url = pathToFileURL(file).href;
  const got = await fetchUrl(request(url), contextFor(downloads, null));
  assert.ok(got.ok && statSync(got.value.file).ino !== statSync(file).ino);
  const wrong = await fetchUrl(request(url, { sha256: "1".repeat(64) }), contextFor(downloads, null));
  assert.ok(!wrong.ok && wrong.failure.code === "fetch.checksum");
  const none = await fetchUrl(request(`${url}x`, { sha256: null }), contextFor(downloads, null));
  assert.ok(!none.ok && none.failure.code === "fetch.not-found");
  assert.equal(readdirSync(downloads), [sum]);
  const odd = await fetchUrl(request("ftp://x/y", { sha256: null }), contextFor(downloads, null));
  assert.ok(!odd.ok && odd.failure.code === "fetch.url");
});

test("mirrors: the longest prefix wins, at a boundary, host without case", () => {
  const mirrors = new Map([
    ["https://a.example", "http://m1"],
    ["https://a.example/tools/", "http://m2/t"],
    ["https://a.example/tools/avr", "file:///srv/avr"],
  ]);
  const table = [
    ["https://a.example/x", "http://m1/x"],
    ["https://A.Example/x", "http://m1/x"],
    ["https://a.example", "http://m1"],
    ["https://a.example.org/x", "https://a.example.org/x"],
    ["https://a.example/tools/y?z", "http://m2/t/y?z"],
    ["https://a.example/tools/avr/1.zip", "file:///srv/avr/1.zip"],
    ["https://a.example/tools/avr2", "http://m2/t/avr2"],
    ["https://a.example/TOOLS/y", "http://m1/TOOLS/y"],
    ["http://a.example/x", "http://a.example/x"],
  ] as const;
  for (const [url, want] of table) assert.is(mirrored(url, mirrors), want);
});

test.run();
