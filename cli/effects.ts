/** Performs what a run is asked to do with devices: the actions without outputs of its plans, with what only this run's command line says of them. */
import { fail, failure } from "../engine/failure.ts";
import type { ActionSpec, Effector, Result, ToolRun } from "../engine/types.ts";
import type { RunCommand } from "./command.ts";
import type { EmulateFlags } from "./tools/emulate.ts";

/** What fbuild gives an emulator that nobody limits. */
const QEMU_TIMEOUT_S = 30;

export class RunEffects implements Effector {
  readonly #command: RunCommand;

  constructor(command: RunCommand) {
    this.#command = command;
  }

  async perform(spec: ActionSpec, around: ToolRun): Promise<Result<string>> {
    const [fb, tool, name, ...args] = spec.argv;
    if (fb === "fb" && tool === "tool" && name === "emulate") {
      // Loaded when it is wanted, as all that reaches devices.
      const { emulateAction } = await import("./tools/emulate.ts");
      return emulateAction(args, emulateFlags(this.#command), around);
    }
    return fail(failure("device.unknown", 5, `nothing performs ${spec.name}`));
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
