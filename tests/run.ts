/** Runs every tests/**\/*.test.ts, each in a process of its own, two at a time, and sums what uvu counts. Arguments filter by path. */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const files = globSync("**/*.test.ts", { cwd: here })
  .filter((f) => words.length === 0 || words.some((w) => f.includes(w)))
  .sort();
let passed = 0;
let failed = 0;

/** A hang is a failure too: no file takes longer than this. */
const LIMIT_MS = 15 * 60_000;

async function runFile(file: string): Promise<void> {
  const began = Date.now();
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", `${here}/${file}`], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  child.stdout.on("data", (d: Buffer) => (text += d));
  child.stderr.on("data", (d: Buffer) => (text += d));
  const limit = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), LIMIT_MS);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.on("close", (...end) => resolve(end)));
  clearTimeout(limit);
  const plain = text.replace(/\x1b\[[0-9;]*m/g, "");
  const sum = (name: string) => [...plain.matchAll(new RegExp(`^\\s*${name}:\\s+(\\d+)`, "gm"))].reduce((n, m) => n + Number(m[1]), 0);
  const total = sum("Total");
  const good = sum("Passed");
  passed += good;
  failed += total - good;
  const crashed = (code !== 0 && total === good) || total === 0;
  if (crashed) failed++;
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 && !crashed ? "ok  " : "FAIL"} ${file}  ${good}/${total}  ${seconds} s\n`);
  if (code !== 0 || crashed) process.stdout.write(`${text}\n(ended with ${signal ?? `exit code ${code}`})\n`);
}

const queue = [...files];
await Promise.all(
  Array.from({ length: Math.max(1, Math.min(2, availableParallelism())) }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await runFile(file);
  }),
);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
