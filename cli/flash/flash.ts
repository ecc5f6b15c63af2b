/**
 * One effect on one device: the device is held, the uploader run, the device let go.
 *
 *   lease ──► reset, or 1200-baud touch and the new port ──► uploader ──no answer──► once more
 *                                                               └──► ledger ──► release
 */
import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import { fail, failure, ok, warning } from "../../engine/failure.ts";
import type { Failure, Result, ToolRun } from "../../engine/types.ts";
import { type Bound, expandText, scope } from "../../rules/expand.ts";
import type { Uploader } from "../../rules/rulefile-uploads.ts";
import { CLAIM_PORT, CLAIM_PORT_NAME, namesPort, type Upload } from "../../rules/uploads.ts";
import type { DaemonClient, Lease } from "../daemon/client.ts";
import { type Address, addressText, type PortAddress } from "../device/address.ts";
import { openConnection, plainSettings } from "../device/connection.ts";
import { listPorts } from "../device/ports.ts";
import { awaitNewPort, touch } from "../device/touch.ts";
import { openBridge, reset } from "./bridge.ts";
import { faultOf, flashFailure } from "./faults.ts";
import { mountedFolders } from "./bootsel.ts";
import { innerUpload, isInner } from "./inner.ts";
import { fetchModules, knownModules } from "./python-modules.ts";
import { runUploader, type UploaderEnd } from "./uploader.ts";

export interface FlashJob {
  /** The project's. */
  readonly folder: string;
  /** For people: "flash uno". */
  readonly what: string;
  /** The port as it says itself until it is known. */
  readonly argv: readonly string[];
  readonly upload: Upload;
  readonly board: string;
  readonly mcu: string;
  /** Null: the uploader finds its programmer itself. */
  readonly address: Address | null;
  /** Seconds for the whole of it, and of silence; null: silence as the uploader's table says, and no limit. */
  readonly timeout: number | null;
  /** Nothing may be fetched. */
  readonly offline: boolean;
  /** The device is held and its id known: nothing has been changed yet. */
  onBegin(device: string): void;
}

export interface FlashDone {
  /** Null without a port. */
  readonly device: string | null;
  readonly port: string;
  /** The command that ended well, and what it said. */
  readonly argv: readonly string[];
  readonly output: string;
  /** What was not written again, since the board says that it has the same. */
  readonly kept: readonly string[];
}

/** Where neither board nor env names an upload_speed. */
const SPEED = 115_200;
/** So often what is opened is looked for while it is used. */
const LOOK_MS = 500;

/** Failures of exit 5, each with what to try; `run.cancelled` where it was stopped. */
export async function flash(job: FlashJob, daemon: () => Promise<Result<DaemonClient>>, around: ToolRun): Promise<Result<FlashDone>> {
  if (job.address === null) return upload(job, null, null, null, around);
  const { address } = job;
  const held = (async () => {
    const client = await daemon();
    return client.ok ? client.value.lease(address, { mode: "exclusive", description: job.what }) : client;
  })();
  const lease = await orStopped(held, around.stop);
  if (lease === null) {
    // Who does not want it any more does not wait for it.
    void held.then((late) => (late.ok ? late.value.release() : null));
    return fail(failure("run.cancelled", 1, `${job.what} was stopped`));
  }
  if (!lease.ok) return lease;
  const { note } = lease.value;
  if (note !== null) around.note(warning("device.sim-note", note, { hint: "" }));
  try {
    return await uploadTo(job, lease.value, around);
  } finally {
    await lease.value.release();
  }
}

/** Null as soon as it is stopped. */
function orStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T | null> {
  if (stop.aborted) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const onStop = () => resolve(null);
    stop.addEventListener("abort", onStop);
    work.then(resolve, reject).finally(() => stop.removeEventListener("abort", onStop));
  });
}

/** A port that the uploader can not open itself is made one that it can. */
async function uploadTo(job: FlashJob, lease: Lease, around: ToolRun): Promise<Result<FlashDone>> {
  const { port } = lease;
  const { uploader, args, touch: touches } = job.upload;
  const shown = port.is === "serial" ? port.path : addressText(job.address ?? port);
  if (port.is !== "rfc2217" || uploader.net === null || !job.argv.some(namesPort)) return upload(job, lease, port, shown, around);
  if (touches) {
    const hint = "flash it at a serial port of this machine";
    return fail(
      failure("flash.port", 5, `${shown}: board "${job.board}" changes its port when it is written, which RFC 2217 has no word for`, {
        hint,
      }),
    );
  }
  const bridge = await openBridge(port, Number(args.get("speed")?.at(-1) ?? "") || SPEED, around.stop);
  if (!bridge.ok) return bridge;
  try {
    return await upload(job, lease, bridge.value.address, shown, around);
  } finally {
    await bridge.value.close();
  }
}

async function upload(
  job: FlashJob,
  lease: Lease | null,
  opened: PortAddress | null,
  shown: string | null,
  around: ToolRun,
): Promise<Result<FlashDone>> {
  const lost = new AbortController();
  let taken: string | null = null;
  void lease?.lost.then((reason) => {
    taken = reason;
    lost.abort();
  });
  const late = job.timeout === null ? null : AbortSignal.timeout(job.timeout * 1000);
  const stop = AbortSignal.any([around.stop, lost.signal, ...(late === null ? [] : [late])]);
  const whyStopped = (): Failure => {
    if (around.stop.aborted) return failure("run.cancelled", 1, `${job.what} was stopped`);
    if (taken !== null)
      return failure("flash.taken", 5, `${shown}: the device was taken away while it was written: ${taken}`, { hint: "flash it again" });
    return failure("flash.timeout", 5, `${shown ?? "the programmer"}: the upload took longer than ${job.timeout} s and was ended`, {
      hint: "a longer --timeout; press the board's reset button as the upload starts",
    });
  };
  let port = opened;
  for (let tries = 1; ; tries++) {
    if (tries === 1 || port?.is === "serial") {
      const ready = port?.is === "serial" ? await makeReady(port.path, job.upload, stop) : ok(port);
      if (stop.aborted) return fail(whyStopped());
      if (!ready.ok) return ready;
      port = ready.value;
    }
    const argv = commandFor(job.argv, port, job.upload.uploader);
    if (!argv.ok) return argv;
    if (tries === 1 && lease !== null) job.onBegin(lease.device);
    if (isInner(argv.value)) {
      const onProgress = (phase: string, percent: number) => around.progress(percent, 100, phase);
      const done = await innerUpload(argv.value, {
        ...{ folder: job.folder, stop, patience: 1, onProgress },
        ...{ uploader: job.upload.uploader, drives: mountedFolders },
      });
      if (stop.aborted) return fail(whyStopped());
      return done.ok
        ? ok({ device: lease?.device ?? null, port: shown ?? "the board", argv: argv.value, output: done.value, kept: [] })
        : done;
    }
    const { uploader } = job.upload;
    let words = argv.value;
    const python = isPython(words[0]) && uploader.modules.length > 0 ? (words[0] ?? "") : null;
    let modules = python === null ? null : await knownModules(python, uploader.modules);
    const run = () => attempt(job, words, port, modules === null ? {} : pythonPath(modules), stop, around);
    let end = await run();
    if (!stop.aborted && python !== null && modules === null && !job.offline && faultOf(end, uploader, true) === "broken") {
      around.note(
        warning("flash.modules", `${programName(words)} misses modules of Python: pip brings ${uploader.modules.join(", ")}`, { hint: "" }),
      );
      const brought = await fetchModules(python, uploader.modules, stop);
      if (stop.aborted) return fail(whyStopped());
      if (!brought.ok) return fail({ ...brought.failure, hint: uploader.repair });
      modules = brought.value;
      end = await run();
    }
    if (!stop.aborted && isTooOld(end, uploader)) {
      words = words.filter((word) => !uploader.newer.includes(word));
      end = await run();
    }
    if (stop.aborted) return fail(whyStopped());
    if (end.why === "exited" && end.code === 0)
      return ok({
        device: lease?.device ?? null,
        port: shown ?? "the programmer",
        argv: words,
        output: end.output,
        kept: keptParts(end, uploader),
      });
    const fault = faultOf(end, uploader, isThere(port));
    const program = programName(words);
    const idle = job.timeout ?? uploader.idle;
    const at = { program, port: shown, board: job.board, mcu: job.mcu, idle, tries };
    if (fault !== "sync" || tries > 1) return fail(flashFailure(fault, end, uploader, at));
    around.note(warning("flash.retry", `${shown ?? program}: the bootloader did not answer; it is tried once more`, { hint: "" }));
  }
}

/** It has opened nothing, for want of a version that knows all words of its command. */
function isTooOld({ why, code, output }: UploaderEnd, { newer, unknown }: Uploader): boolean {
  return why === "exited" && code !== 0 && newer.length > 0 && unknown !== "" && new RegExp(unknown, "i").test(output);
}

function keptParts({ output }: UploaderEnd, { kept }: Uploader): string[] {
  if (kept === "") return [];
  return [...output.matchAll(new RegExp(kept, "gim"))].map((found) => (found[1] ?? "").split("/").at(-1) ?? "");
}

/** As people call it: of a script its own name, not that of its interpreter. */
function programName([first = "", second = ""]: readonly string[]): string {
  const path = isPython(first) ? second : first;
  return path.split("/").at(-1) ?? "";
}

/** Before what the user has there. */
function pythonPath(folder: string): Readonly<Record<string, string>> {
  const own = process.env["PYTHONPATH"] ?? "";
  return { PYTHONPATH: own === "" ? folder : `${folder}${delimiter}${own}` };
}

function isPython(program = ""): boolean {
  return /^python[\d.]*$/.test(program);
}

/** The uploader, which ends when its port goes. */
async function attempt(
  job: FlashJob,
  argv: readonly string[],
  port: PortAddress | null,
  vars: Readonly<Record<string, string>>,
  stop: AbortSignal,
  around: ToolRun,
): Promise<UploaderEnd> {
  const gone = new AbortController();
  const looking = setInterval(() => {
    if (!isThere(port)) gone.abort();
  }, LOOK_MS);
  const { uploader } = job.upload;
  try {
    return await runUploader({
      argv,
      cwd: job.folder,
      vars,
      uploader,
      idle: job.timeout ?? uploader.idle,
      stop: AbortSignal.any([stop, gone.signal]),
      onProgress: (phase, percent) => around.progress(percent, 100, phase),
    });
  } finally {
    clearInterval(looking);
  }
}

/** Ports of the network are asked by the uploader alone. */
function isThere(port: PortAddress | null): boolean {
  return port?.is !== "serial" || !port.path.startsWith("/") || existsSync(port.path);
}

/** The board resets or goes into its bootloader; the port that it has then. Says who holds the port, that it is not there, that it may not be opened. */
async function makeReady(path: string, { touch: touches, awaitsPort, flushes }: Upload, stop: AbortSignal): Promise<Result<PortAddress>> {
  const serial = (name: string) => ok<PortAddress>({ is: "serial", path: name });
  const before = awaitsPort ? await listPorts() : [];
  if (touches) {
    const touched = await touch(path, stop);
    if (!touched.ok) return touched;
  } else if (flushes || !awaitsPort) {
    const opened = await openConnection({ is: "serial", path }, plainSettings(9600), { data() {}, closed() {} }, stop);
    if (!opened.ok) return opened;
    if (flushes) await reset(opened.value, stop);
    await opened.value.close();
  }
  return serial(awaitsPort ? await awaitNewPort(before, path, stop) : path);
}

/** The command with the port in it. Failure (exit 5): a port that this uploader does not open. */
function commandFor(argv: readonly string[], port: PortAddress | null, uploader: Uploader): Result<readonly string[]> {
  if (port === null || !argv.some(namesPort)) return ok(argv);
  const name = portArgument(port, uploader);
  if (!name.ok) return name;
  const last = name.value.slice(name.value.lastIndexOf("/") + 1);
  return ok(argv.map((arg) => arg.replaceAll(CLAIM_PORT, () => name.value).replaceAll(CLAIM_PORT_NAME, () => last)));
}

function portArgument(port: PortAddress, { net }: Uploader): Result<string> {
  if (port.is === "serial") return ok(port.path);
  if (port.is === "socket" && net !== null) {
    const names: [string, Bound][] = [
      ["host", port.host.includes(":") ? `[${port.host}]` : port.host],
      ["port", String(port.port)],
    ];
    return expandText(net, scope(new Map(names)));
  }
  return fail(failure("flash.port", 5, `the uploader does not open ${addressText(port)}`, { hint: "name a serial port: -p" }));
}
