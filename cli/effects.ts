/** Performs what a run is asked to do with devices: the actions without outputs of its plans, with what only this run's command line says of them. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { ActionSpec, Effector, Result, ToolRun } from "../engine/types.ts";
import type { RunCommand } from "./command.ts";
import type { RunMonitors } from "./monitor/action.ts";
import type { MonitorHost } from "./monitor/devices.ts";
import type { EmulateFlags } from "./tools/emulate.ts";

/** What fbuild gives an emulator that nobody limits. */
const QEMU_TIMEOUT_S = 30;

export class RunEffects implements Effector {
  readonly #folder: string;
  readonly #command: RunCommand;
  readonly #watching: (() => MonitorHost) | null;
  /** Loaded when it is wanted, as all that reaches devices. */
  #monitors: Promise<RunMonitors | null> | null = null;

  /** folder: the project's. watching: what monitors show; null: nobody is there to watch. */
  constructor(folder: string, command: RunCommand, watching: (() => MonitorHost) | null) {
    this.#folder = folder;
    this.#command = command;
    this.#watching = watching;
  }

  async perform(spec: ActionSpec, around: ToolRun): Promise<Result<string>> {
    const [fb, tool, name, ...args] = spec.argv;
    if (fb === "fb" && tool === "tool" && name === "emulate") {
      const { emulateAction } = await import("./tools/emulate.ts");
      return emulateAction(args, emulateFlags(this.#command), around);
    }
    if (fb === "fb" && tool === "tool" && name === "monitor") {
      const monitors = await this.#openMonitors();
      return monitors?.watch(spec, around) ?? ok("");
    }
    return fail(failure("device.unknown", 5, `nothing performs ${spec.name}`));
  }

  #openMonitors(): Promise<RunMonitors | null> {
    const watching = this.#watching;
    this.#monitors ??=
      watching === null
        ? Promise.resolve(null)
        : import("./monitor/action.ts").then(({ RunMonitors }) => new RunMonitors(this.#folder, this.#command, watching));
    return this.#monitors;
  }

  /** Nothing is performed any more. */
  async close(): Promise<void> {
    await (await this.#monitors)?.close();
  }
}

function emulateFlags({ serial, timeout, qemu, json }: RunCommand): EmulateFlags {
  const { haltOnError, haltOnSuccess, expect, qemuTimeout } = serial;
  return {
    patterns: { haltOnError, haltOnSuccess, expect },
    limit: qemuTimeout ?? timeout ?? (qemu ? QEMU_TIMEOUT_S : null),
    realTime: !json && process.stdout.isTTY,
  };
}
