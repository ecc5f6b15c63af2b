/** The effects of a run that change devices, performed: what is written to which device, and what is noted of it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ok } from "../../engine/failure.ts";
import type { ActionSpec, Result, ToolRun } from "../../engine/types.ts";
import type { RunCommand } from "../command.ts";
import { connectDaemon, type DaemonClient } from "../daemon/client.ts";
import { Once } from "../once.ts";
import { quoteForShell } from "../show/text.ts";
import { flash } from "./flash.ts";
import { noteFlashed } from "./ledger.ts";
import type { DevicePlan } from "./plan.ts";

export class RunFlashes {
  readonly #folder: string;
  readonly #command: RunCommand;
  readonly #devices: DevicePlan;
  #daemon: Promise<Result<DaemonClient>> | null = null;
  #connected: DaemonClient | null = null;
  /** What is odd about a virtual board is said once. */
  readonly #noted: Once;

  /** folder: the project's. */
  constructor(folder: string, command: RunCommand, devices: DevicePlan) {
    this.#folder = folder;
    this.#command = command;
    this.#devices = devices;
    this.#noted = new Once(join(folder, ".fb/state/noted"));
  }

  /** What it gives is shown: nothing, or with -v the command and all that it said. */
  async perform(spec: ActionSpec, around: ToolRun): Promise<Result<string>> {
    const aim = await this.#devices.aimOf(spec, around.stop);
    if (!aim.ok) return aim;
    const { env, upload, address } = aim.value;
    const target = spec.name.slice(`${spec.env}/${spec.profile}/`.length).split(":")[0] ?? "";
    const [image] = spec.inputs;
    // Before it is written: what was meant to be on the device.
    const sha256 =
      image === undefined
        ? ""
        : createHash("sha256")
            .update(readFileSync(join(this.#folder, image.path)))
            .digest("hex");
    const job = {
      ...{
        folder: this.#folder,
        what: `${target} ${spec.env}`,
        argv: spec.argv,
        upload,
        address,
        timeout: this.#limit,
        offline: this.#command.offline,
      },
      ...{ board: env.board?.id ?? "", mcu: env.board?.mcu ?? "" },
      onBegin: (device: string) => noteFlashed(this.#folder, device, null),
    };
    const note: ToolRun["note"] = (warning) => {
      if (warning.code !== "device.sim-note" || this.#noted.isNew(warning.message)) around.note(warning);
    };
    const done = await flash(job, () => this.#client(note), { ...around, note });
    if (!done.ok) return done;
    const { device, port, argv, output, kept } = done.value;
    if (device !== null && image !== undefined) {
      const what = { env: spec.env, profile: spec.profile, target, image: image.path, sha256, port };
      noteFlashed(this.#folder, device, { ...what, at: new Date().toISOString() });
    }
    if (this.#command.verbose) return ok(`${quoteForShell(argv)}\n${output}`);
    return ok(kept.length === 0 ? "" : `not written again, as the board has the same: ${kept.join(", ")}\n`);
  }

  /** Seconds for an upload. Where a monitor follows, --timeout is the monitor's. */
  get #limit(): number | null {
    const watched = this.#command.targets.some((t) => t.is === "name" && t.name === "monitor");
    return watched ? null : this.#command.timeout;
  }

  /** Lets all devices go. */
  async close(): Promise<void> {
    // One that a stopped run did not wait for ends its hold with this process.
    await this.#connected?.close();
  }

  /** The daemon that this run holds devices by, started by the first that needs it. */
  #client(note: ToolRun["note"]): Promise<Result<DaemonClient>> {
    this.#daemon ??= connectDaemon({ start: true }).then((client) => {
      if (!client.ok) return client;
      this.#connected = client.value;
      for (const each of client.value.notes) note(each);
      return client;
    });
    return this.#daemon;
  }
}
