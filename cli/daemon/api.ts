/** `import { SerialMonitor, Daemon } from "fb"` (fb.d.ts): the daemon for scripts. It is bundled as an ES module of its own (scripts/bundle.ts). */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Failure, Result } from "../../engine/types.ts";
import { addressText } from "../device/address.ts";
import type { JsonObject } from "./ask.ts";
import { type Attached, connectDaemon, type DaemonClient, type Lease } from "./client.ts";
import type * as Fb from "./fb.d.ts";
import { Heard } from "./heard.ts";
import { claimsOf, portOf } from "./listed.ts";

export class FbError extends Error implements Fb.FbError {
  readonly code: string;
  readonly hint: string;
  readonly exit: number;

  constructor(message: string, code: string, hint: string, exit: number) {
    super(hint === "" ? message : `${message}\n  ${hint}`);
    this.name = "FbError";
    this.code = code;
    this.hint = hint;
    this.exit = exit;
  }
}

function errorOf(f: Failure): FbError {
  return new FbError(f.message, f.code, f.hint, f.exit);
}

function must<T>(result: Result<T>): T {
  if (!result.ok) throw errorOf(result.failure);
  return result.value;
}

/** Beside dist/, or beside cli/ when this runs from sources. */
function program(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../fb" : "../cli/fb", import.meta.url));
}

/** A daemon is started by fb itself, on fb's own Node: the script's may be older. */
async function connect(start: boolean): Promise<DaemonClient> {
  const found = await connectDaemon({ start: false });
  if (found.ok || !start || found.failure.code !== "daemon.none") return must(found);
  await new Promise<void>((resolve, reject) =>
    execFile(program(), ["daemon", "start"], (error, _, said) =>
      error === null ? resolve() : reject(new FbError(`the daemon did not start: ${said.trim() || error.message}`, "daemon.start", "", 4)),
    ),
  );
  return must(await connectDaemon({ start: false }));
}

export class SerialMonitor implements Fb.SerialMonitor {
  readonly device: string;
  readonly port: string;
  readonly #client: DaemonClient;
  readonly #attached: Attached;
  readonly #heard: Heard;

  private constructor(client: DaemonClient, attached: Attached, heard: Heard) {
    this.#client = client;
    this.#attached = attached;
    this.#heard = heard;
    this.device = attached.device;
    this.port = attached.port;
  }

  static async attach(port: string, options: Fb.MonitorOptions = {}): Promise<SerialMonitor> {
    const {
      baudRate = 115_200,
      dataBits = 8,
      parity = "none",
      stopBits = 1,
      rtscts = false,
      xonxoff = false,
      dtr = null,
      rts = null,
    } = options;
    const tell = (event: Fb.MonitorEvent) => options.onEvent?.(event);
    const client = await connect(true);
    const heard = new Heard();
    const faces = {
      data: (bytes: Uint8Array) => heard.push(bytes),
      preempted: (reason: string, by: string) => tell({ is: "preempted", reason, by }),
      lost: (why: Failure) => tell({ is: "lost", message: why.message }),
      reconnected: (after: "lost" | "preempted") => tell({ is: "reconnected", after }),
      ended: (why: Failure | null) => heard.end(why === null ? null : errorOf(why)),
    };
    const settings = { baud: baudRate, dataBits, parity, stopBits, rtscts, xonxoff, dtr, rts };
    const attached = await client.attach(port, settings, faces, options.description ?? "monitor");
    return new SerialMonitor(client, must(attached), heard);
  }

  get dropped(): number {
    return this.#heard.dropped;
  }

  async write(data: string | Uint8Array): Promise<number> {
    return must(await this.#attached.write(typeof data === "string" ? Buffer.from(data) : data));
  }

  async expect(pattern: RegExp | string, timeout?: number): Promise<RegExpExecArray> {
    // A "g" or "y" would make it look from where it was before.
    const re = typeof pattern === "string" ? new RegExp(pattern) : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
    const late = () =>
      new FbError(`no line matched ${re} in ${timeout} s`, "monitor.timeout", `the last line was ${JSON.stringify(this.#heard.last)}`, 1);
    return this.#heard.expect(re, timeout, late);
  }

  signals(lines: { readonly dtr?: boolean; readonly rts?: boolean }): Promise<void> {
    return this.#attached.signals(lines);
  }

  async detach(): Promise<void> {
    await this.#attached.detach();
    await this.#client.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return this.#heard.lines();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.detach();
  }
}

export class Daemon implements Fb.Daemon {
  readonly #client: DaemonClient;

  private constructor(client: DaemonClient) {
    this.#client = client;
  }

  static async connect(options: { readonly start?: boolean } = {}): Promise<Daemon> {
    return new Daemon(await connect(options.start ?? true));
  }

  get pid(): number {
    return this.#client.state.pid;
  }

  get port(): number {
    return this.#client.state.port;
  }

  async devices(): Promise<readonly Fb.DeviceInfo[]> {
    const { body } = must(await this.#client.request("GET", "/api/devices/list"));
    return (body["devices"] as readonly JsonObject[]).map(deviceOf);
  }

  async lease(device: string, options: Fb.LeaseOptions = {}): Promise<Fb.DeviceLease> {
    const { mode = "exclusive", description = "a script", ttl, takeover } = options;
    const more = { ...(ttl === undefined ? {} : { ttlSeconds: ttl }), ...(takeover === undefined ? {} : { takeover }) };
    return leaseOf(must(await this.#client.lease(device, { mode, description, ...more })));
  }

  build(options: Fb.BuildOptions): Promise<Fb.BuildResult> {
    return this.#perform("/api/build", buildBody(options), options);
  }

  deploy(options: Fb.DeployOptions): Promise<Fb.BuildResult> {
    const { monitor } = options;
    const watch =
      monitor === undefined
        ? {}
        : {
            monitor_after: true,
            monitor_timeout: monitor.timeout,
            monitor_expect: monitor.expect,
            monitor_halt_on_error: monitor.haltOnError,
            monitor_halt_on_success: monitor.haltOnSuccess,
          };
    return this.#perform("/api/deploy", { ...buildBody(options), port: options.port, ...watch }, options);
  }

  async #perform(path: string, body: object, { signal, onEvent }: Fb.BuildOptions): Promise<Fb.BuildResult> {
    let last: JsonObject = {};
    try {
      for await (const event of this.#client.events(path, body, signal ?? null)) {
        last = event;
        if (typeof event["type"] === "string") onEvent?.(event as { readonly type: string });
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
      return { success: false, exitCode: 130, message: "it was cancelled", outputFile: null };
    }
    // A refusal is one line, too: no result.
    if (last["type"] !== "result") throw new FbError(String(last["message"] ?? "the daemon gave no result"), "daemon.refused", "", 2);
    const output = last["output_file"];
    return {
      success: last["success"] === true,
      exitCode: Number(last["exit_code"]),
      message: String(last["message"]),
      outputFile: typeof output === "string" ? output : null,
    };
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function buildBody({ projectDir, environment, targets, profile, jobs, clean, verbose }: Fb.BuildOptions): object {
  return { project_dir: projectDir, environment, targets, profile, jobs, clean_build: clean, verbose };
}

function leaseOf(lease: Lease): Fb.DeviceLease {
  const { id, device, port, lost } = lease;
  const release = () => lease.release();
  return { id, device, port: addressText(port), lost, release, [Symbol.asyncDispose]: release };
}

function deviceOf(body: JsonObject): Fb.DeviceInfo {
  return { ...portOf(body), connected: body["is_connected"] === true, claims: claimsOf(body) };
}
