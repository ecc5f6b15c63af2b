/**
 * Starts main.cjs and rest.cjs with V8's compiled code of all functions that earlier runs called; Node's own cache of code holds only those which the first run that used a
 * bundle had called. Measured: 35 ms of a run of one edit.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "../cache/crc32.ts";
import { replaceFile } from "../cache/replace-file.ts";

declare const __FB_BUILD__: string;

const slot = Symbol.for("fb.ways");
const shared = globalThis as { [slot]?: Set<string> };

/** Notes that this process went a way through the code, as `run all ran`. The first time that one was gone, its code is kept when the process ends. */
export function wentWay(way: string): void {
  shared[slot]?.add(way);
}

/**
 * Runs main.cjs, which lies beside the bundle that calls, and rest.cjs when main.cjs asks for a module of it (scripts/parts.ts). The code of each is kept there
 * too, and that of lmdb.cjs, for this build and this Node alone. Code that is damaged, or of another Node, is as good as none: V8 compiles the source then.
 */
export function runMain(): void {
  shared[slot] = new Set();
  let rest: Rest | null = null;
  let lmdb: unknown = null;
  load("./main.cjs", (name: string): unknown => {
    if (name === LMDB) return (lmdb ??= load(name, require));
    if (!name.startsWith(REST)) return require(name);
    rest ??= load("./rest.cjs", require) as Rest;
    return rest[name.slice(REST.length)]?.();
  });
}

/** Each of its modules, by its path. */
type Rest = Readonly<Record<string, () => unknown>>;
const REST = "./rest.cjs#";
const LMDB = "./lmdb.cjs";

/** What a file beside this bundle exports. asked: its require. */
function load(name: string, asked: (name: string) => unknown): unknown {
  const file = join(__dirname, name);
  const kept = `${file}.${process.version}-${process.arch}`;
  const code = readCode(kept);
  // The bundler writes nothing but ASCII, and V8 holds that in half of the space.
  const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(file, "latin1")}\n})`;
  // Loaded here, for who has the quick answer needs none of it.
  const { Script } = process.getBuiltinModule("node:vm");
  const script = new Script(source, {
    filename: file,
    ...(code === null ? {} : { cachedData: code.data }),
  });
  const known = script.cachedDataRejected === true ? [] : (code?.ways ?? []);
  process.on("exit", (exitCode) => {
    const more = [...(shared[slot] ?? [])].filter((way) => !known.includes(way));
    if (exitCode === 0 && more.length > 0) writeCode(kept, [...known, ...more], script.createCachedData());
  });
  const module = { exports: {} };
  (script.runInThisContext() as (...given: unknown[]) => void)(module.exports, asked, module, file, __dirname);
  return module.exports;
}

/** One line, `BUILD CRC WAY,WAY`, then the code, of which V8 itself looks into nothing but the head. */
function readCode(kept: string): { readonly ways: readonly string[]; readonly data: Buffer } | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(kept);
  } catch {
    return null;
  }
  const end = bytes.indexOf("\n");
  const [of, crc, ways = ""] = bytes.toString("latin1", 0, end).split(" ");
  const data = bytes.subarray(end + 1);
  return of === __FB_BUILD__ && crc === String(crc32(data)) ? { ways: ways.split(","), data } : null;
}

function writeCode(kept: string, ways: readonly string[], data: Buffer): void {
  const head = Buffer.from(`${__FB_BUILD__} ${crc32(data)} ${ways.join(",")}\n`, "latin1");
  try {
    replaceFile(kept, Buffer.concat([head, data]), `${kept}.${process.pid}`);
  } catch {
    // A folder that may not be written, or is full: the next start is as slow as this one.
  }
}
