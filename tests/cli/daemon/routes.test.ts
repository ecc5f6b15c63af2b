/** Every route of a real daemon against its own OpenAPI document, and against whoever should not be let in. */
import { request } from "node:http";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { newSeed, Random } from "../../random.ts";
import type { JsonObject } from "../../../cli/daemon/ask.ts";
import { Board, call, daemon, HANG_MS, Peer } from "./harness.ts";

interface Operation {
  readonly summary: string;
  readonly security?: readonly unknown[];
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>>;
}

type Document = {
  readonly openapi: string;
  readonly components: object;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

async function document(): Promise<Document> {
  return (await call("GET", "/openapi.json")).body as unknown as Document;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A request as a client of any kind may send it. */
async function raw(
  method: string,
  path: string,
  o: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Uint8Array; readonly token?: boolean } = {},
): Promise<Answer> {
  const { port, token } = await daemon();
  const headers = { ...(o.token === false ? {} : { authorization: `Bearer ${token}` }), ...o.headers };
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (more) => (text += more));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.setTimeout(HANG_MS, () => sent.destroy(new Error(`${method} ${path}: no answer`)));
    sent.on("error", reject);
    sent.end(o.body);
  });
}

/** Whether a WebSocket is let in: the status of the answer. */
async function upgrade(path: string, headers: Readonly<Record<string, string>>, auth = true): Promise<number> {
  const { port, token } = await daemon();
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers: { ...(auth ? { authorization: `Bearer ${token}` } : {}), ...headers },
  });
  return new Promise((resolve) => {
    socket.on("open", () => {
      socket.terminate();
      resolve(101);
    });
    socket.on("unexpected-response", (_, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on("error", () => {});
  });
}

const ROUTES = [
  "GET /health",
  "GET /",
  "GET /api/daemon/status",
  "GET /api/daemon/info",
  "POST /api/daemon/shutdown",
  "POST /api/build",
  "POST /api/deploy",
  "POST /api/monitor",
  "POST /api/install-deps",
  "GET /api/devices/list",
  "POST /api/devices/list",
  "GET /api/devices/{id}",
  "GET /api/devices/{id}/status",
  "POST /api/devices/{id}/lease",
  "POST /api/devices/{id}/release",
  "POST /api/devices/{id}/preempt",
  "GET /api/locks/status",
  "POST /api/locks/status",
  "POST /api/locks/clear",
  "GET /openapi.json",
];
const SOCKETS = ["/ws/status", "/ws/logs", "/ws/monitor/{session_id}", "/ws/serial-monitor"];

test("the document names every route and WebSocket of the contract", async () => {
  const { openapi, paths } = await document();
  assert.is(openapi, "3.1.0");
  for (const route of ROUTES) {
    const [method = "", path = ""] = route.split(" ");
    assert.ok(paths[path]?.[method.toLowerCase()], route);
  }
  for (const path of SOCKETS) assert.ok(paths[path]?.["get"]?.responses["101"], path);
});

test("what each route answers is what the document says", async () => {
  const { paths, components } = await document();
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ $id: "http://fb/doc", components });
  const validators = new Map<string, ValidateFunction>();
  const check = (method: string, path: string, status: number, body: unknown) => {
    const schema = paths[path]?.[method.toLowerCase()]?.responses[String(status)]?.content?.["application/json"]?.schema;
    assert.ok(schema, `${method} ${path} does not say what ${status} is`);
    const name = `${method} ${path} ${status}`;
    // References are made to the document that was added.
    const own = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"http://fb/doc#/components'));
    const valid = validators.get(name) ?? ajv.compile(own);
    validators.set(name, valid);
    assert.ok(valid(body), `${name}: ${ajv.errorsText(valid.errors)}\n${JSON.stringify(body)}`);
  };
  const board = await Board.open();
  const monitor = await Peer.monitor(board.port);
  const id = String(monitor.of("attached")[0]?.["device_id"]);
  let lease = "";
  const asked: readonly (readonly [string, string, number, object | null])[] = [
    ["GET", "/health", 200, null],
    ["GET", "/", 200, null],
    ["GET", "/api/daemon/status", 200, null],
    ["GET", "/api/daemon/info", 200, null],
    ["GET", "/openapi.json", 200, null],
    ["POST", "/api/build", 400, {}],
    ["POST", "/api/build", 400, { project_dir: "relative" }],
    ["POST", "/api/build", 400, { project_dir: "/", targets: ["--help"] }],
    ["POST", "/api/build", 400, { project_dir: "/", profile: "fast" }],
    ["POST", "/api/build", 200, { project_dir: "/no/such/folder" }],
    ["POST", "/api/deploy", 400, { project_dir: "/", monitor_expect: "(" }],
    ["POST", "/api/deploy", 200, { project_dir: "/no/such/folder", monitor_after: true, monitor_timeout: 1, port: "x" }],
    ["POST", "/api/install-deps", 200, { project_dir: "/no/such/folder", environment: "uno" }],
    ["POST", "/api/monitor", 400, { port: "", baud_rate: 9600 }],
    ["POST", "/api/monitor", 400, { port: "x://y", baud_rate: 9600 }],
    ["POST", "/api/monitor", 400, { port: "/dev/x", expect: "[" }],
    ["POST", "/api/monitor", 200, { port: "/dev/there-is-none", baud_rate: 9600, timeout: 1 }],
    ["GET", "/api/devices/list", 200, null],
    ["POST", "/api/devices/list", 200, { refresh: true }],
    ["GET", "/api/devices/{id}", 200, null],
    ["GET", "/api/devices/{id}/status", 200, null],
    ["POST", "/api/devices/{id}/lease", 400, {}],
    ["POST", "/api/devices/{id}/lease", 200, { lease_type: "exclusive", description: "test" }],
    ["POST", "/api/devices/{id}/lease", 409, { lease_type: "exclusive", description: "second" }],
    ["POST", "/api/devices/{id}/lease", 409, { lease_type: "monitor" }],
    ["GET", "/api/devices/{id}/status", 200, null],
    ["POST", "/api/daemon/shutdown", 409, null],
    ["GET", "/api/locks/status", 200, null],
    ["POST", "/api/locks/status", 200, {}],
    ["POST", "/api/locks/clear", 200, {}],
    ["POST", "/api/devices/{id}/preempt", 400, {}],
    ["POST", "/api/devices/{id}/preempt", 200, { reason: "test" }],
    ["POST", "/api/devices/{id}/release", 404, { lease_id: "none" }],
    ["POST", "/api/devices/{id}/release", 200, { lease_id: "LEASE" }],
  ];
  for (const [method, path, status, body] of asked) {
    const sent = body !== null && "lease_id" in body && body.lease_id === "LEASE" ? { lease_id: lease } : body;
    const answer = await call(method as "GET" | "POST", path.replace("{id}", id), sent);
    assert.is(answer.status, status, `${method} ${path} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`);
    check(method, path, status, answer.body);
    if (typeof answer.body["lease_id"] === "string") lease = answer.body["lease_id"];
  }
  const failed = await call("POST", "/api/build", { project_dir: "/no/such/folder", request_id: "mine" });
  assert.equal([failed.body["success"], failed.body["exit_code"], failed.body["request_id"]], [false, 3, "mine"]);
  assert.match(String(failed.body["message"]), /there is no folder/);
  for (const path of ["/api/devices/usb-1234-5678-none", "/api/devices/usb-1234-5678-none/status"]) {
    const gone = await call("GET", path);
    assert.is(gone.status, 404, JSON.stringify(gone.body));
    check("GET", path.replace("usb-1234-5678-none", "{id}"), 404, gone.body);
  }
  assert.is((await call("GET", "/api/devices/%2Fdev%2FttyUSB%2A")).status, 400, "a pattern is no device");
  monitor.socket.terminate();
});

test("POST /api/monitor: the contract's table of patterns", async () => {
  const board = await Board.open();
  const watch = async (more: object, lines: string) => {
    const opened = board.opened;
    const answer = call("POST", "/api/monitor", { port: board.port, baud_rate: 115200, ...more });
    await board.when(() => board.opened > opened && board.socket !== null);
    board.say(lines);
    const { body } = await answer;
    await board.when(() => board.socket === null);
    return [body["exit_code"], body["success"]];
  };
  assert.equal(await watch({ halt_on_error: "panic" }, "fine\nPANIC: 7\n"), [1, false]);
  assert.equal(await watch({ halt_on_success: "all ok" }, "All OK\n"), [0, true]);
  assert.equal(await watch({ halt_on_success: "done", expect: "passed" }, "passed\ndone\n"), [0, true]);
  assert.equal(await watch({ halt_on_success: "done", expect: "passed" }, "done\n"), [1, false]);
  assert.equal(await watch({ timeout: 0.3, expect: "passed" }, "passed\n"), [0, true]);
  assert.equal(await watch({ timeout: 0.3, expect: "passed" }, "passed without an end"), [0, true]);
  assert.equal(await watch({ timeout: 0.3, expect: "passed" }, "nothing\n"), [1, false]);
  assert.equal(await watch({ timeout: 0.3, halt_on_success: "done" }, "nothing\n"), [1, false]);
  assert.equal(await watch({ timeout: 0.3 }, "nothing\n"), [0, true]);
});

test("POST /api/monitor ends with its client", async () => {
  const board = await Board.open();
  const { port, token } = await daemon();
  const sent = request({ host: "127.0.0.1", port, method: "POST", path: "/api/monitor", headers: { authorization: `Bearer ${token}` } });
  sent.on("error", () => {});
  sent.end(JSON.stringify({ port: board.port }));
  await board.when(() => board.socket !== null);
  assert.is((await call("GET", "/api/daemon/status")).body["operation_in_progress"], true);
  sent.destroy();
  await board.when(() => board.socket === null);
});

test("no route and no WebSocket for a wrong token, a foreign Host, a foreign Origin", async () => {
  const { paths } = await document();
  const { port } = await daemon();
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { responses }] of Object.entries(methods)) {
      const at = path.replace(/\{\w+\}/g, "x");
      const name = `${method} ${path}`;
      if (responses["101"] !== undefined) {
        assert.is(await upgrade(at, {}, false), 401, name);
        assert.is(await upgrade(at, { authorization: "Bearer wrong" }, false), 401, name);
        assert.is(await upgrade(`${at}?token=wrong`, {}, false), 401, name);
        assert.is(await upgrade(at, { host: `evil.example:${port}` }), 421, name);
        assert.is(await upgrade(at, { origin: "https://evil.example" }), 403, name);
        assert.is(await upgrade(at, { origin: "null" }), 403, name);
        assert.is((await raw(method.toUpperCase(), at)).status, 404, `${name} without an upgrade`);
        continue;
      }
      const body = method === "post" ? "{}" : "";
      const open = path === "/" || path === "/health";
      assert.is((await raw(method.toUpperCase(), at, { token: false, body })).status, open ? 200 : 401, name);
      if (!open) assert.is((await raw(method.toUpperCase(), at, { headers: { authorization: "Bearer wrong" }, body })).status, 401, name);
      assert.is((await raw(method.toUpperCase(), at, { headers: { host: `evil.example:${port}` }, body })).status, 421, name);
      assert.is((await raw(method.toUpperCase(), at, { headers: { host: "127.0.0.1" }, body })).status, 421, name);
      assert.is((await raw(method.toUpperCase(), at, { headers: { origin: "https://evil.example" }, body })).status, 403, name);
      assert.is(
        (await raw(method.toUpperCase(), `${at}?token=${(await daemon()).token}`, { token: false, body })).status,
        open ? 200 : 401,
        name,
      );
    }
  assert.is(await upgrade("/ws/status", { origin: `http://localhost:3000` }), 101);
  assert.is(await upgrade(`/ws/status?token=${(await daemon()).token}`, {}, false), 101);
  assert.is(await upgrade("/ws/none", {}), 404);
  assert.is((await raw("GET", "/health")).headers["access-control-allow-origin"], undefined);
});

test("what does not read: the right status, as JSON, and the connection is still good", async () => {
  const huge = "x".repeat((1 << 20) + 1);
  const asked: readonly (readonly [number, string, string, Parameters<typeof raw>[2]])[] = [
    [404, "GET", "/none", {}],
    [404, "GET", "/api/devices/%zz", {}],
    [404, "GET", "/api/devices/", {}],
    [404, "GET", "//health", {}],
    [400, "GET", "http://127.0.0.1/health", {}],
    [405, "DELETE", "/health", {}],
    [405, "GET", "/api/build", {}],
    [405, "PUT", "/api/devices/list", {}],
    [400, "POST", "/api/build", { body: "{" }],
    [400, "POST", "/api/build", { body: "[]" }],
    [400, "POST", "/api/build", { body: "null" }],
    [400, "POST", "/api/build", { body: Uint8Array.of(0xff, 0xfe) }],
    [415, "POST", "/api/build", { body: "{}", headers: { "content-type": "text/plain" } }],
    [413, "POST", "/api/build", { body: huge }],
    [413, "POST", "/api/build", { body: huge, headers: { "transfer-encoding": "chunked" } }],
    [431, "GET", "/health", { headers: { x: "y".repeat(20_000) } }],
  ];
  for (const [status, method, path, o] of asked) {
    const answer = await raw(method, path, o);
    assert.is(answer.status, status, `${method} ${path}: ${answer.text}`);
    const body = JSON.parse(answer.text) as JsonObject;
    assert.equal([body["success"], typeof body["error"], typeof body["message"]], [false, "string", "string"]);
  }
  assert.is((await raw("PUT", "/api/devices/list")).headers["allow"], "GET, POST");
  assert.is((await raw("GET", "/health")).status, 200);
});

test("it listens on 127.0.0.1 alone", async () => {
  const { port } = await daemon();
  const others = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter((a) => a.address !== "127.0.0.1" && !a.address.startsWith("fe80"));
  for (const { address } of others) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: address, port, timeout: HANG_MS });
      socket.on("connect", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("timeout", () => resolve(false));
    });
    assert.not.ok(open, address);
  }
  if (process.platform !== "linux") return;
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const listening = ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((table) => readFileSync(table, "utf8").split("\n"))
    .filter((l) => l.includes(`:${hex} `) && / 0A /.test(l));
  assert.equal(
    listening.map((l) => l.trim().split(/\s+/)[1]),
    [`0100007F:${hex}`],
  );
});

test("/ws/status and /ws/logs tell what happens, by themselves", async () => {
  const [status, logs] = [await Peer.open("/ws/status"), await Peer.open("/ws/logs")];
  assert.is((await status.untilType("status"))["operation_in_progress"], false);
  const board = await Board.open();
  const monitor = await Peer.monitor(board.port);
  await status.until((m) =>
    (m["sessions"] as readonly JsonObject[]).some((s) => s["port"] === board.port && s["state"] === "open" && s["watchers"] === 1),
  );
  await logs.until((m) => /lease .* monitor of socket-/.test(String(m["line"])));
  monitor.socket.terminate();
  await status.until((m) => (m["sessions"] as readonly JsonObject[]).length === 0, status.heard.length - 1);
});

/** How many; the number by FB_FUZZ=10000. */
const FUZZ = Number(process.env["FB_FUZZ"] ?? 600);

test(`${FUZZ} requests of a monkey: no crash, no hang, no wrong status, no leak`, async () => {
  const random = new Random(newSeed());
  const { pid, port } = await daemon();
  const facts = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  const { paths } = await document();
  const names = [
    ...Object.keys(paths),
    "/api",
    "/ws",
    "/api/devices/x/y/z",
    "/%00",
    "/../etc/passwd",
    "/?a=b&a=c",
    "/api/devices/list?refresh=1",
  ];
  const odd = [
    "",
    "\0",
    "a",
    "-e",
    "--help",
    "../..",
    "💥",
    "x".repeat(3000),
    "/dev/null",
    "/dev/tty",
    "sim:nothing",
    "socket://127.0.0.1:1",
    "*",
    "usb-0000-0000-x",
    "__proto__",
  ];
  const value = (depth: number): unknown => {
    const kinds = [null, true, false, 0, -1, 1e308, 2 ** 53, 0.5, [], {}];
    const n = random.below(20);
    if (n < 8 || depth > 3) return random.pick(odd);
    if (n < 16) return random.pick(kinds);
    if (n < 18) return Array.from({ length: random.below(4) }, () => value(depth + 1));
    return body(depth + 1);
  };
  const fields = [
    "project_dir",
    "environment",
    "targets",
    "stream",
    "port",
    "baud_rate",
    "timeout",
    "expect",
    "lease_type",
    "description",
    "client_id",
    "ttl_seconds",
    "client_pid",
    "lease_id",
    "reason",
    "jobs",
    "profile",
    "__proto__",
    "constructor",
  ];
  const body = (depth: number) =>
    Object.fromEntries(
      random
        .sample(fields, random.below(6))
        .map((name) => [name, name === "project_dir" || name === "expect" ? random.pick([7, null, "relative"]) : value(depth)]),
    );
  const before: number[] = [];
  for (let i = 0; i < FUZZ; i++) {
    const path = random.pick(names).replace(/\{\w+\}/g, () => encodeURIComponent(random.pick(odd)) || "x");
    const method = random.pick(["GET", "GET", "POST", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]);
    // Ending the daemon, and opening what is there to be opened, are no mistakes.
    if (path.startsWith("/api/daemon/shutdown") && method === "POST") continue;
    const text = random.pick([
      () => JSON.stringify(body(0)),
      () => JSON.stringify(value(0)),
      () => "{".repeat(random.below(2000)),
      () => random.pick(odd),
      () => "",
    ])();
    const headers: Record<string, string> = random.pick([
      {},
      { "content-type": "application/json" },
      { "content-type": "text/html" },
      { origin: "http://evil.example" },
      { expect: "100-continue" },
    ]);
    const ended = await raw(method, path, {
      headers,
      ...(method === "GET" || method === "HEAD" ? {} : { body: text }),
      token: random.chance(0.9),
    }).catch((e: Error) => e);
    if (ended instanceof Error) {
      assert.match(ended.message, /socket hang up|ECONNRESET|EPIPE|no answer|write after end|Content-Length/, `${method} ${path}`);
    } else {
      assert.ok(
        [200, 400, 401, 403, 404, 405, 408, 409, 413, 415, 421, 431].includes(ended.status),
        `${method} ${path} ${text}: ${ended.status} ${ended.text}`,
      );
      if (ended.text !== "" && !String(ended.headers["content-type"]).includes("ndjson")) JSON.parse(ended.text);
    }
    if (i % 50 === 25) {
      const bytes = Uint8Array.from({ length: random.below(300) }, () => random.below(256));
      await new Promise<void>((resolve) => {
        const socket = connect({ host: "127.0.0.1", port }, () => socket.end(bytes));
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        socket.resume();
      });
    }
    if (i === Math.floor(FUZZ / 4)) before.push(facts());
  }
  assert.is((await raw("GET", "/health")).status, 200);
  for (const lease of (await call("GET", "/api/locks/status")).body["port_locks"] as readonly JsonObject[])
    await call("POST", `/api/devices/${encodeURIComponent(String(lease["device_id"]))}/release`, { lease_id: lease["lease_id"] });
  assert.equal((await call("GET", "/api/locks/status")).body["port_locks"], []);
  const logged = readFileSync(`/proc/${pid}/cwd/daemon.log`, "utf8");
  assert.not.ok(logged.includes("a bug in fb"), logged.slice(-2000));
  const grown = facts() - (before[0] ?? 0);
  process.stdout.write(`(grew by ${grown} kB) `);
  assert.ok(grown < 30_000, `it grew by ${grown} kB`);
});

test.run();
