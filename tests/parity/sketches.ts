/** Sketches: where PlatformIO's conversion compiles, or the program as a person would write it without one, fb's conversion must compile too. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertSketch } from "../../rules/arduino.ts";
import { type Kind, type Named, numbersOf } from "./kind.ts";
import type { Peer } from "./peer.ts";
import { type SketchCase, sketchCase } from "./sketch-cases.ts";

/** PlatformIO's text; null where it gives none. */
export type SketchAnswer = { readonly text: string | null };

const CORE = process.env["ARDUINO_CORE"] ?? "/usr/share/arduino/hardware/arduino/avr";
/** PlatformIO's flags for an uno, as far as they bear on the language; plus what Debian's 5.4 wants for its own headers. */
const FLAGS = (
  "-x c++ -fno-exceptions -fno-threadsafe-statics -fpermissive -std=gnu++11 -mmcu=atmega328p -Os -w -DARDUINO=10808 -DARDUINO_AVR_UNO " +
  "-DARDUINO_ARCH_AVR -DF_CPU=16000000L -DDECIMAL_DIG=__DECIMAL_DIG__"
).split(" ");

/** What avr-g++ has to say against a text, or which of its functions it then misses; empty when it takes it. */
function refusal(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "fb-sketch-"));
  try {
    const file = join(folder, "sketch.cpp");
    const object = join(folder, "sketch.o");
    writeFileSync(file, text);
    const folders = ["cores/arduino", "variants/standard"].map((name) => `-I${join(CORE, name)}`);
    const compiled = run("avr-g++", [...FLAGS, ...folders, "-c", "-o", object, file]);
    if (compiled.status !== 0) return compiled.stderr || `exit ${compiled.status}`;
    // A prototype that is not quite its function's is another function, which nobody defines.
    const missing = run("avr-nm", ["-u", "-C", object]).stdout.match(/.*\b[fgK]\d+\b.*/g) ?? [];
    return missing.length === 0 ? "" : `declared, called and not defined:\n${missing.join("\n")}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(
  program: string,
  words: readonly string[],
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const ran = spawnSync(program, words, { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  if (ran.error !== undefined) throw ran.error;
  return ran;
}

function compare(test: SketchCase, answer: SketchAnswer): string {
  const { text } = convertSketch(Object.entries(test.tabs).map(([path, tab]) => ({ path, text: tab })));
  const refused = refusal(text);
  if (refused === "") return "";
  const explicit = refusal(test.explicit);
  const peer = answer.text === null ? "it gives up" : refusal(answer.text);
  if (explicit !== "" && peer !== "") return `no test, for avr-g++ refuses the explicit program too: mend the generator\n${explicit}`;
  return `avr-g++ refuses what fb makes of it, ${peer === "" ? "but takes PlatformIO's" : "but takes the explicit program"}\n${refused}\n${text}`;
}

function* ask(peer: Peer, cases: readonly Named<SketchCase>[]): Generator<SketchAnswer> {
  const input = JSON.stringify({ compiler: "avr-g++", cases: cases.map((each) => each.input.tabs) });
  const ran = spawnSync(peer.python, [join(import.meta.dirname, "sketch-answer.py")], { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (ran.status !== 0) throw new Error(ran.stderr);
  for (const line of ran.stdout.trim().split("\n")) yield { text: JSON.parse(line) };
}

export const sketchesKind: Kind<SketchCase, SketchAnswer> = {
  name: "sketches",
  about: "sketches: what is converted there compiles here",
  usual: 60,
  make(id) {
    const numbers = numbersOf(id);
    return numbers === null ? null : sketchCase(...numbers);
  },
  kept: [],
  ask,
  compare,
  files: ({ tabs, explicit }) => ({ ...tabs, "explicit.cpp": explicit }),
};
