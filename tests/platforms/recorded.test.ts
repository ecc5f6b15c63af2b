/**
 * Command lines of platforms whose packages are not at hand in CI: plans in memory beside what PlatformIO ran for the same project (recorded/NAME.json, made by hand from
 * `pio run -v` with the platform's own builder and a small core in the framework's shape). Of fb's own there are the flags that platforms/README.md lists.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CLAIM_PORT, CLAIM_PORT_NAME } from "../../rules/uploads.ts";
import { planned } from "../rules/memory-plan.ts";

interface Recorded {
  readonly framework: {
    readonly folder: string;
    readonly version: string;
    readonly tool?: { readonly folder: string; readonly version: string };
    readonly folders?: Readonly<Record<string, string>>;
  };
  readonly files: Readonly<Record<string, string>>;
  /** Texts that are often in the commands of an env, by what stands for them there. */
  readonly shared?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly commands: Readonly<Record<string, readonly string[]>>;
  /** What uploads and erases, and what makes the file system's image: of envs that have no other lines here. */
  readonly uploads?: Readonly<Record<string, readonly string[]>>;
}

const OWN: ReadonlySet<string> = new Set(["-no-canonical-prefixes", "-fno-canonical-system-headers", "-Wl,-t", "-MD", "--skip-flashed"]);

/** What PlatformIO calls the programs that fb looks for when they are wanted, where they are not called as the tool is. */
const LATE: Readonly<Record<string, string>> = {
  jlink: "JLinkExe",
  dfuutil: "dfu-util",
  maple: "maple_upload",
  hid: "hid-flash",
};

/** As PlatformIO would say it: without fb's own, the tool by its name, the output folder as OUT. */
function line(argv: readonly string[]): string {
  // What runs within fb around another's program stands before it.
  const [program = "", ...rest] = argv.slice(argv[0] === "fb" ? argv.indexOf("--") + 1 : 0);
  const words = rest.filter((word, i) => !OWN.has(word) && word !== "-MF" && rest[i - 1] !== "-MF" && !word.startsWith("-frandom-seed="));
  const late = /^\$\{tool\.(\w+)\.program\}$/.exec(program)?.[1];
  return [late === undefined ? program.slice(program.lastIndexOf("/") + 1) : (LATE[late] ?? late), ...words]
    .map((word) => word.replace(/\.fb\/build\/[\w-]+\/\w+/, "OUT").replace("${UNIX_TIME}", "TIME"))
    .join(" ");
}

/** PlatformIO's names of a library's folder have three digits of a hash. */
function library(text: string): string {
  return text.replaceAll(/OUT\/lib[0-9a-f]{3}\//g, "OUT/lib/own/").replaceAll("OUT/lib/own/own/", "OUT/lib/own/");
}

const folder = join(import.meta.dirname, "recorded");
for (const file of readdirSync(folder)) {
  const recorded = JSON.parse(readFileSync(join(folder, file), "utf8")) as Recorded;
  const project = planned(recorded.files, null, recorded.framework);
  for (const [env, lines] of Object.entries(recorded.commands))
    test(`${file}: ${env}`, () => {
      const ours = project.actions(env).filter(({ kind, argv }) => ["compile", "link", "step"].includes(kind) && argv[0] !== "fb");
      const whole = lines.map((each) =>
        Object.entries(recorded.shared?.[env] ?? {}).reduce((text, [mark, is]) => text.replaceAll(mark, () => is), each),
      );
      assert.equal(ours.map((action) => library(line(action.argv))).sort(), whole.map(library).sort());
    });
  for (const [env, lines] of Object.entries(recorded.uploads ?? {}))
    test(`${file}: ${env}, uploads`, () => {
      // Where PlatformIO makes the image of files in Python there is no line of it.
      const images = lines.some((each) => /^mk\w+fs/.test(each));
      const ours = project
        .actions(env)
        .filter(
          ({ kind, outputs, argv }) =>
            ["flash", "erase"].includes(kind) || (images && kind === "objcopy" && argv[0] !== "fb" && /fs\.bin$/.test(outputs[0] ?? "")),
        );
      assert.equal(
        ours.map((action) => line(action.argv).replaceAll(CLAIM_PORT, "PORT").replaceAll(CLAIM_PORT_NAME, "NAME")).sort(),
        lines.map((each) => each.replace(/^esptool\.py /, "esptool ")).sort(),
      );
    });
}

test.run();
