/** A small firmware project as a view, from a table: what the query tests ask, without a disk. */
import { Graph } from "../../../engine/graph.ts";
import type { ActionSpec, Kind } from "../../../engine/types.ts";
import { View } from "../../../engine/view.ts";
import { viewOf } from "../../../engine/view-build.ts";
import { files, paths, spec } from "../spec.ts";

export interface Row {
  readonly kind: Kind;
  readonly env: string;
  readonly rule: string;
  /** Below the output folder unless they begin with "!", which is taken away. */
  readonly makes: readonly string[];
  readonly takes: readonly string[];
  readonly reads?: readonly string[];
  readonly argv?: readonly string[];
}

export interface Table {
  readonly rows: readonly Row[];
  /** Env → target → files, as a row has them. */
  readonly targets: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly packages: readonly { readonly name: string; readonly version: string; readonly prefix: string }[];
  readonly builtBy: Readonly<Record<string, readonly string[]>>;
}

export function pathIn(env: string, name: string): string {
  return name.startsWith("!") ? name.slice(1) : `.fb/build/${env}/release/${name}`;
}

export function specOf(row: Row): ActionSpec {
  const made = row.makes.map((name) => pathIn(row.env, name));
  return spec({
    name: `${row.env}/release/${row.rule}:${row.makes[0] ?? ""}`,
    label: row.takes[0] ?? "",
    kind: row.kind,
    env: row.env,
    argv: row.argv ?? ["tool", ...row.takes],
    inputs: files(...row.takes.map((name) => pathIn(row.env, name))),
    outputs: paths(...made),
  });
}

export function viewOfTable(table: Table, order: (specs: ActionSpec[]) => ActionSpec[] = (specs) => specs): View {
  const graph = new Graph();
  const grown = graph.grow(order(table.rows.map(specOf)));
  if (!grown.ok) throw new Error(grown.failure.message);
  const reads = new Map(table.rows.map((row) => [specOf(row).name, (row.reads ?? []).map((name) => pathIn(row.env, name))]));
  const columns = viewOf({
    graph,
    targets: new Map(
      Object.entries(table.targets).map(([env, named]) => [
        env,
        new Map(Object.entries(named).map(([name, made]) => [name, made.map((m) => pathIn(env, m))])),
      ]),
    ),
    packages: table.packages,
    builtBy: new Map(Object.entries(table.builtBy)),
    last: ({ name }) => ({ files: reads.get(name) ?? [], ms: 10 }),
  });
  return new View(columns);
}

const CORE = "!.fb/pkg/framework-arduino@1.8/cores/Arduino.h";
const AVR_IO = "!/usr/lib/avr/include/avr/io.h";
const compile = (env: string, source: string, reads: readonly string[], argv: readonly string[] = []): Row => ({
  kind: "compile",
  env,
  rule: source.endsWith(".c") ? "c" : "cxx",
  makes: [`${source}.o`],
  takes: [`!${source}`],
  reads: reads,
  argv: ["/usr/bin/avr-g++", "-Os", "-I.fb/pkg/framework-arduino@1.8/cores", ...argv, source],
});
const env = (name: string, flag: string): Row[] => [
  { kind: "step", env: name, rule: "version", makes: ["gen/version.h"], takes: ["!VERSION"], argv: ["node", "tools/version.mjs"] },
  compile(name, "src/main.cpp", ["!include/pins.h", "!lib/Servo/Servo.h", "gen/version.h", CORE, AVR_IO], [flag]),
  compile(name, "src/radio.c", ["!include/pins.h", "!include/radio.h", AVR_IO], [flag]),
  compile(name, "lib/Servo/Servo.cpp", ["!lib/Servo/Servo.h", CORE, AVR_IO]),
  { kind: "archive", env: name, rule: "ar", makes: ["lib/libServo.a"], takes: ["lib/Servo/Servo.cpp.o"] },
  {
    kind: "link",
    env: name,
    rule: "link",
    makes: ["firmware.elf", "firmware.map"],
    takes: ["src/main.cpp.o", "src/radio.c.o", "lib/libServo.a"],
    argv: ["/usr/bin/avr-g++", "-o", "firmware.elf"],
  },
  { kind: "objcopy", env: name, rule: "hex", makes: ["firmware.hex"], takes: ["firmware.elf"] },
  { kind: "size", env: name, rule: "size", makes: ["size.json"], takes: ["firmware.elf"], argv: ["fb", "tool", "size"] },
];
const targets = {
  firmware: ["firmware.hex", "size.json"],
  elf: ["firmware.elf"],
  "lib/Servo": ["lib/libServo.a"],
  version: ["gen/version.h"],
};

/** Two envs; `uno` has a step that tests. */
export const FIRMWARE: Table = {
  rows: [
    ...env("uno", "-DLED=13"),
    ...env("mega", "-DLED=7"),
    { kind: "step", env: "uno", rule: "test-radio", makes: ["gen/radio.ok"], takes: ["!src/radio.c", "!test/radio_test.c"], argv: ["sh"] },
  ],
  targets: { uno: { ...targets, "test-radio": ["gen/radio.ok"] }, mega: targets },
  packages: [
    { name: "framework-arduino", version: "1.8", prefix: ".fb/pkg/framework-arduino@1.8" },
    { name: "toolchain-avr", version: "5.4.0", prefix: "/usr" },
  ],
  builtBy: { uno: ["platformio.ini", "fb.toml", "boards/uno.json"], mega: ["platformio.ini", "fb.toml"] },
};
