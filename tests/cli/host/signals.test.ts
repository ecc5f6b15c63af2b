import { spawnSync } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { marked, startFake, tempDir } from "./help.ts";

const LOOP = [["sh", "-c", "trap '' TERM INT; echo >up; while :; do :; done"], ["true"]];

async function running(vars: Record<string, string> = {}) {
  const dir = tempDir();
  const mark = crypto.randomUUID();
  const fake = startFake(dir, [LOOP], { ...vars, FB_MARK: mark });
  assert.ok("locked" in ((await fake.next()) ?? {}));
  while (!fs.existsSync(path.join(dir, "up"))) await new Promise(setImmediate);
  return { fake, mark };
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  test(`${signal}: 130 within half a second, nothing left`, async () => {
    const { fake, mark } = await running();
    const t = performance.now();
    fake.child.kill(signal);
    assert.equal(await fake.next(), { stopping: signal });
    assert.equal(await fake.next(), { ran: { is: "cancelled" } });
    assert.equal(await fake.next(), { done: true });
    assert.equal(await fake.exited, { code: 130, signal: null });
    assert.ok(performance.now() - t < 500, `${performance.now() - t} ms`);
    assert.equal(marked(mark), []);
  });
}

test("a second Ctrl-C ends an fb that does not end; the same one seen twice does not", async () => {
  const { fake, mark } = await running({ FB_STUBBORN: "1" });
  fake.child.kill("SIGINT");
  assert.equal(await fake.next(), { stopping: "SIGINT" });
  fake.child.kill("SIGINT");
  let sent = 0;
  const again = setInterval(() => fake.child.kill("SIGINT") && sent++, 20);
  assert.equal(await fake.exited, { code: 130, signal: null });
  clearInterval(again);
  assert.ok(sent > 3, `${sent} signals within 200 ms were taken for the first one`);
  // killNow signals without waiting, so this looks again until the kernel has carried it out.
  while (marked(mark).length > 0) await new Promise(setImmediate);
});

test("a signal before anybody watches: who watches then hears of it, else fb ends with 130", async () => {
  const early = (then: string) => {
    const source = `import { watchEarly, watchSignals } from ${JSON.stringify(new URL("../../../cli/host/signals.ts", import.meta.url).href)};
watchEarly();
process.kill(process.pid, "SIGINT");
setTimeout(() => console.log("went on"), 60_000);
setTimeout(() => { ${then} }, 20);`;
    const ran = spawnSync(process.execPath, ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "-e", source], {
      encoding: "utf8",
    });
    return [ran.status, ran.signal, ran.stdout.trim(), ran.stderr];
  };
  assert.equal(early("const { stop } = watchSignals(() => {}); console.log(stop.aborted, stop.reason); process.exit(7);"), [
    7,
    null,
    "true SIGINT",
    "",
  ]);
  assert.equal(early(""), [130, null, "", ""]);
});

test.run();
