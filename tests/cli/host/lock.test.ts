import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { acquireLock, type Holder } from "../../../cli/host/lock.ts";
import { startFake, tempDir } from "./help.ts";

const never = new AbortController().signal;
const FORMS = ["abstract", "file"] as const;

function take(dir: string, form: (typeof FORMS)[number], waits: (Holder | null)[] = [], stop: AbortSignal = never) {
  return acquireLock(dir, { request: [":t"], onWait: (h) => waits.push(h), stop, form });
}

test("three processes hold it in turn", async () => {
  const dir = tempDir();
  // Were two inside at once, mkdir of the second would fail.
  const action = ["sh", "-c", "mkdir inside && for i in 1 2 3 4 5; do echo $i >>work; done && rmdir inside"];
  const fakes = Array.from({ length: 3 }, () => startFake(dir, [Array(20).fill(action)]));
  for (const fake of fakes) {
    for (let line = await fake.next(); line !== null; line = await fake.next())
      if ("ran" in line) assert.equal(line["ran"], { is: "exited", code: 0 });
    assert.equal(await fake.exited, { code: 0, signal: null });
  }
  assert.is(fs.readFileSync(path.join(dir, "work"), "utf8"), "1\n2\n3\n4\n5\n".repeat(60));
});

for (const form of FORMS) {
  test(`waiters are told for whom, and go on when it is released (${form})`, async () => {
    const dir = tempDir();
    const first = await take(dir, form);
    assert.equal([first?.holder.pid, first?.holder.request], [process.pid, [":t"]]);
    const waits: (Holder | null)[] = [];
    const order: string[] = [];
    const queued = ["a", "b", "c"].map(async (name) => {
      const lock = await take(dir, form, waits);
      order.push(`${name} in`);
      await new Promise(setImmediate);
      order.push(`${name} out`);
      lock?.release();
      lock?.release();
    });
    while (waits.length < 3) await new Promise(setImmediate);
    assert.equal(waits, [first?.holder, first?.holder, first?.holder]);
    assert.equal(order, []);
    first?.release();
    await Promise.all(queued);
    for (let i = 0; i < 6; i += 2) assert.is(order[i]?.replace("in", "out"), order[i + 1]);
  });

  test(`a stop ends the waiting (${form})`, async () => {
    const dir = tempDir();
    const first = await take(dir, form);
    const stop = new AbortController();
    const waits: (Holder | null)[] = [];
    const second = take(dir, form, waits, stop.signal);
    while (waits.length === 0) await new Promise(setImmediate);
    stop.abort();
    assert.is(await second, null);
    first?.release();
    (await take(dir, form))?.release();
  });

  test(`a killed holder frees it (${form})`, async () => {
    const dir = tempDir();
    const script = `import { acquireLock } from ${JSON.stringify(path.join(import.meta.dirname, "../../../cli/host/lock.ts"))};
      await acquireLock(${JSON.stringify(dir)}, { request: [], onWait() {}, stop: new AbortController().signal, form: "${form}" });
      console.log("held"); setInterval(() => {}, 1000);`;
    for (let i = 0; i < 3; i++) {
      const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
      for await (const line of createInterface({ input: child.stdout })) {
        assert.is(line, "held");
        break;
      }
      const waits: (Holder | null)[] = [];
      const waiting = Promise.all([take(dir, form, waits), take(dir, form, waits)].map(async (l) => (await l)?.release()));
      while (waits.length < 2) await new Promise(setImmediate);
      assert.is(waits[0]?.pid, child.pid);
      child.kill("SIGKILL");
      await waiting;
    }
  });
}

test("the folder is what counts, not the way to it", async () => {
  const dir = tempDir();
  fs.mkdirSync(path.join(dir, "p"));
  fs.symlinkSync("p", path.join(dir, "link"));
  const first = await take(path.join(dir, "link"), "abstract");
  const stop = new AbortController();
  const waits: (Holder | null)[] = [];
  const second = take(path.join(dir, "p"), "abstract", waits, stop.signal);
  while (waits.length === 0) await new Promise(setImmediate);
  (await take(dir, "abstract"))?.release();
  stop.abort();
  await second;
  first?.release();
});

test("a holder that says nothing, or nonsense, is waited for all the same", async () => {
  const dir = tempDir();
  const net = await import("node:net");
  const crypto = await import("node:crypto");
  const name = `\0fb-${process.getuid?.()}-${crypto.hash("sha256", fs.realpathSync(dir), "hex").slice(0, 40)}`;
  for (const answer of ["", "what?\n", '{"pid":"x"}\n']) {
    const clients: import("node:net").Socket[] = [];
    const server = net.createServer((s) => clients.push(s.on("error", () => {})) && s.write(answer));
    await new Promise<void>((resolve) => server.listen(name, resolve));
    const waits: (Holder | null)[] = [];
    const lock = take(dir, "abstract", waits);
    while (waits.length === 0) await new Promise(setImmediate);
    assert.equal(waits, [null]);
    server.close();
    for (const c of clients) c.destroy();
    (await lock)?.release();
  }
});

test.run();
