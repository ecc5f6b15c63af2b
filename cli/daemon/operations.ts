/** What clients have the daemon do in projects: each is an `fb` of its own, whose events it passes on, so that the daemon stays small and a crash there ends nothing here. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { home } from "../home.ts";
import type { JsonObject } from "./ask.ts";
import type { Log } from "./log.ts";

/** An interrupted fb ends within half a second. */
const PATIENCE_MS = 3000;
/** Of what it says to people so much is kept, for where it dies without a result. */
const TAIL = 4000;

export interface Operation {
  readonly id: string;
  readonly kind: "build" | "deploy" | "install-deps" | "monitor";
  /** The project's folder, or a port. */
  readonly what: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** How an operation ended. */
export interface Outcome {
  readonly success: boolean;
  readonly request_id: string;
  readonly message: string;
  readonly exit_code: number;
  readonly output_file: string | null;
  /** The `result` event, where there was one. */
  readonly result: JsonObject | null;
}

export class Operations {
  readonly #running = new Map<string, Operation & { readonly stop: () => void }>();
  readonly #log: Log;
  readonly #changed: () => void;

  constructor(log: Log, changed: () => void) {
    this.#log = log;
    this.#changed = changed;
  }

  all(): Operation[] {
    return [...this.#running.values()].map(({ id, kind, what, since }) => ({ id, kind, what, since }));
  }

  /** Notes something that runs inside; the answer is called at its end. stop: ends it. */
  begin(kind: Operation["kind"], what: string, id: string | null, stop: () => void): { readonly id: string; end(): void } {
    // A client's own name for it may be there already.
    const name = id !== null && !this.#running.has(id) ? id : randomUUID();
    this.#running.set(name, { id: name, kind, what, since: Date.now(), stop });
    this.#log.line(`${kind} ${name}: ${what}`);
    this.#changed();
    return {
      id: name,
      end: () => {
        this.#running.delete(name);
        this.#changed();
      },
    };
  }

  /** Runs fb with these words, which end in events on its stdout if json; event: each as it comes, the last not, which is in the outcome. */
  async run(
    kind: Operation["kind"],
    project: string,
    words: readonly string[],
    id: string | null,
    gone: AbortSignal,
    event: (event: JsonObject) => Promise<void> | void,
  ): Promise<Outcome> {
    const child = spawn(join(home(), "cli", "fb"), words, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
    const stop = () => interrupt(child);
    const { id: name, end } = this.begin(kind, project, id, stop);
    gone.addEventListener("abort", stop);
    if (gone.aborted) stop();
    let result: JsonObject | null = null;
    let error: string | null = null;
    let tail = "";
    child.stderr.setEncoding("utf8").on("data", (more: string) => (tail = (tail + more).slice(-TAIL)));
    const ended = new Promise<number>((resolve) => {
      child.on("error", (e) => {
        error ??= e.message;
        resolve(4);
      });
      child.on("close", (code) => resolve(code ?? 130));
    });
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const said = objectIn(line);
        if (said === null) continue;
        if (said["type"] === "result") result = said;
        else {
          if (said["type"] === "diagnostic" && said["severity"] === "error") error ??= diagnosticText(said);
          if (said["type"] === "end" && said["status"] === "failed") error ??= failedText(said);
          await event(said);
        }
      }
    } finally {
      gone.removeEventListener("abort", stop);
      if (gone.aborted) stop();
    }
    const code = await ended;
    end();
    this.#log.line(`${kind} ${name}: ended with ${code}`);
    const message = code === 0 ? "done" : (error ?? (tail.trim() === "" ? `fb ended with ${code}` : tail.trim()));
    return { success: code === 0, request_id: name, message, exit_code: code, output_file: outputOf(result, project), result };
  }

  /** Ends all that runs; settles when it has. */
  async close(): Promise<void> {
    for (const { stop } of this.#running.values()) stop();
    const until = Date.now() + 2 * PATIENCE_MS;
    while (this.#running.size > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function interrupt(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGINT");
  // Its guardian ends what it ran.
  setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS).unref();
}

function objectIn(line: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}

/** A compiler's own words are in it. */
function failedText(said: JsonObject): string {
  return `${said["kind"]} ${said["label"]} failed\n${said["output"] ?? ""}`.trim().slice(0, TAIL);
}

function diagnosticText(said: JsonObject): string {
  const { file, line, message } = said;
  const place = typeof file === "string" ? `${file}${typeof line === "number" && line > 0 ? `:${line}` : ""}: ` : "";
  return `${place}${String(message)}`;
}

/** The first artifact, as an absolute path. */
function outputOf(result: JsonObject | null, project: string): string | null {
  const all = result?.["artifacts"];
  const path: unknown = Array.isArray(all) ? (all[0] as { readonly path?: unknown } | undefined)?.path : null;
  return typeof path === "string" ? (path.startsWith("/") ? path : join(project, path)) : null;
}
