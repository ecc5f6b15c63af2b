/** Why an uploader failed, told from what it said, and what to try: failures of exit 5. */
import { failure } from "../../engine/failure.ts";
import type { Failure } from "../../engine/types.ts";
import type { Uploader } from "../../rules/rulefile-uploads.ts";
import type { UploaderEnd } from "./uploader.ts";

export type Fault =
  | "silent"
  | "not-started"
  | "lost"
  | "verify"
  | "signature"
  | "refused"
  | "sync"
  | "garbled"
  | "broken"
  | "ended"
  | "other";

/** portIsThere: whether what was opened is still to be found. */
export function faultOf({ why, code, output }: UploaderEnd, uploader: Uploader, portIsThere: boolean): Fault {
  const says = (expression: string) => expression !== "" && new RegExp(expression, "im").test(output);
  if (why === "not-started") return "not-started";
  if (says(uploader.broken)) return "broken";
  if (!portIsThere) return "lost";
  if (why === "silent") return "silent";
  if (why === "gave-up") return "sync";
  if (says(uploader.verify)) return "verify";
  if (says(uploader.signature)) return "signature";
  if (says(uploader.refused)) return "refused";
  if (says(uploader.lost)) return "lost";
  if (says(uploader.sync)) return "sync";
  if (says(uploader.garbled)) return "garbled";
  return code === null ? "ended" : "other";
}

/** What is told of a fault: where it was, how often it was tried. */
export interface Attempted {
  readonly program: string;
  /** For people; null: a programmer without a port. */
  readonly port: string | null;
  readonly board: string;
  readonly mcu: string;
  readonly idle: number;
  readonly tries: number;
}

export function flashFailure(fault: Fault, end: UploaderEnd, uploader: Uploader, at: Attempted): Failure {
  const { program, board, mcu, idle, tries } = at;
  const port = at.port ?? "the programmer";
  const said = lastSaid(end.output, uploader);
  const quote = said === "" ? "" : ` (${program}: ${said})`;
  const make = (code: string, message: string, hint: string) => failure(code, 5, message, { hint });
  switch (fault) {
    case "not-started":
      return make("flash.not-started", `${program} could not be started: ${end.output}`, "fb doctor checks the tools");
    case "silent":
      return make(
        "flash.silent",
        `${port}: ${program} said nothing for ${idle} s and was ended`,
        "press the board's reset button as the upload starts; is this the board's port, and upload_protocol its bootloader's? A slow upload may take longer: --timeout S",
      );
    case "lost":
      return make(
        "flash.lost",
        `${port} went while the board was written${quote}`,
        "the cable or the board's power; what is on the board now is incomplete: flash it again",
      );
    case "verify":
      return make(
        "flash.verify",
        `${port}: what the board holds is not what was written${quote}`,
        "flash it again; if it stays so: a worn or locked chip, a bootloader of another board, power that is too weak",
      );
    case "signature":
      return make(
        "flash.signature",
        `${port} is another chip than the ${mcu} of board "${board}"${quote}`,
        `the board that is plugged in decides: another \`board =\` in platformio.ini, or another port with -p${chipIn(end.output)}`,
      );
    case "refused":
      return make(
        "flash.refused",
        `${port} could not be opened${quote}`,
        at.port === null
          ? "is it plugged in, and the board in its bootloader where one is meant? On Linux a udev rule lets users reach it"
          : "`fb devices` lists the ports of this machine",
      );
    case "sync":
      return make(
        "flash.sync",
        `${port}: the bootloader does not answer, tried ${tries} times${quote}`,
        uploader.advice === ""
          ? "press the board's reset button as the upload starts; is it the right port (-p), board and upload_speed? Some boards have an older bootloader, which is slower (nanoatmega328: 57600)"
          : uploader.advice,
      );
    case "garbled":
      return make(
        "flash.garbled",
        `${port}: what the board says does not arrive whole${quote}`,
        "a lower upload_speed (115200), a shorter or better cable, another USB port; what is on the board now is incomplete: flash it again",
      );
    case "broken":
      return make(
        "flash.not-started",
        `${program} does not run here${quote}`,
        uploader.repair === "" ? "install it again" : uploader.repair,
      );
    case "ended":
      return make(
        "flash.failed",
        `${port}: ${program} was ended by something else than fb${quote}`,
        "what is on the board now is incomplete: flash it again",
      );
    case "other":
      return make(
        "flash.failed",
        `${port}: ${program} ended with exit code ${end.code}${quote}`,
        "fb run -v shows its command and all that it said",
      );
  }
}

/** The line that tells most: the last that speaks of an error, else the last that says anything. */
function lastSaid(output: string, { noise }: Uploader): string {
  const dull = noise === "" ? null : new RegExp(noise, "i");
  const lines = output
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && dull?.test(line) !== true && !line.includes(" | "));
  const telling = lines.filter((line) => /error|fail|expected|mismatch|can't|cannot|not in sync|not responding/i.test(line));
  return (telling.at(-1) ?? lines.at(-1) ?? "").replace(/^[\w.-]+(?: (?:error|OS error|warning))?: /i, "");
}

/** What the chip says that it is. */
function chipIn(output: string): string {
  const name = /signature = 0x[0-9a-f]+ \(probably ([^)]+)\)/i.exec(output)?.[1];
  return name === undefined ? "" : `; it says that it is a ${name}`;
}
