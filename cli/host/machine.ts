/** The machine that fb runs on, by the name that packages are published under (rules/systems.ts). */
import { systemType } from "../../rules/registry.ts";

export function thisMachine(): string {
  return systemType(process.platform, process.arch, process.env["PLATFORMIO_SYSTEM_TYPE"]);
}
