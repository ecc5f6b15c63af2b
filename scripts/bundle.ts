/**
 * Builds dist/: fb.cjs (cli/quick.ts) and request.cjs answer an unchanged build, look.cjs a query of an unchanged graph, main.cjs does everything else, with rest.cjs; sim.cjs is a virtual board's process, daemon.cjs the daemon's; api.mjs is for users' scripts. V8's cache of their code lies beside them
 * (cli/fb, cli/compiled.ts). Packages with native code stay outside.
 */
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions } from "esbuild";
import { eager } from "./eager.ts";
import { inParts } from "./parts.ts";
import { ruleModule } from "./rule-module.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node" as const,
  target: "node24",
  charset: "ascii" as const,
  // import() becomes require(): a script that cli/compiled.ts starts has no module loader of its own.
  supported: { "dynamic-import": false },
  format: "cjs" as const,
  minifySyntax: true,
  minifyWhitespace: true,
  external: [
    "lmdb",
    "serialport",
    "chokidar",
    "fast-glob",
    "execa",
    "yargs",
    "tar",
    "undici",
    "listr2",
    "avr8js",
    "rp2040js",
    "ws",
    "yauzl",
    "xz-decompress",
    "unbzip2-stream",
  ],
  logLevel: "warning" as const,
};
// The bundle is CommonJS, which loads faster and has no import.meta; createRequire takes a path as well as a URL.
const moduleUrl = { "import.meta.url": "__filename" };
const mainBundle = { ...common, entryPoints: ["cli/main.ts"] };
// lmdb with what it loads in one file, less what fb has no use for: it loads in a quarter of the time (cache/lmdb.ts).
const lmdb = await bundled({
  ...common,
  entryPoints: ["node_modules/lmdb/dist/index.cjs"],
  external: ["lmdb/package.json"],
  plugins: [
    {
      name: "lmdb",
      setup({ onResolve }) {
        onResolve({ filter: /^node-gyp-build-optional-packages$/ }, ({ importer }) =>
          importer.endsWith("lmdb-native.cjs") ? { external: true } : { path: join(root, "scripts/lmdb-native.cjs") },
        );
        onResolve({ filter: /^msgpackr$/ }, () => ({ path: join(root, "scripts/lmdb-encoder.cjs") }));
      },
    },
  ],
});
// fb's own build is part of what an unchanged build depends on: the digest of its code and of the platforms' data.
const hash = createHash("sha256")
  .update(await bundled({ ...mainBundle, define: moduleUrl }))
  .update(lmdb);
// A daemon of other code is another one, too.
const daemonBundle = { ...common, entryPoints: ["cli/daemon/process.ts"] };
hash.update(await bundled({ ...daemonBundle, define: moduleUrl }));
for (const file of globSync(["platforms/*.toml", "platforms/*/*"], { cwd: root }).sort())
  hash.update(file).update(readFileSync(join(root, file)));
mkdirSync(join(root, "dist/rules"), { recursive: true });
for (const file of globSync("platforms/*/platform.toml", { cwd: root }))
  put(`rules/${basename(dirname(file))}.cjs`, ruleModule(join(root, file), textOf));
const id = hash.digest("hex").slice(0, 16);
const define = { ...moduleUrl, __FB_BUILD__: JSON.stringify(id), __FB_LMDB__: '"./lmdb.cjs"', __FB_REQUIRE__: "require" };
const parts = await inParts({ ...common, define }, root, "cli/main.ts", ["cli/verbs/run.ts"], "rest.cjs");
put("main.cjs", parts.near);
put("rest.cjs", parts.far);
put("lmdb.cjs", lmdb);
put("graph.html", await page("graph"));
put("size.html", await page("size", "size/"));
put("sim.cjs", await bundled({ ...common, define: moduleUrl, entryPoints: ["cli/device/sim/process.ts"] }));
put("daemon.cjs", await bundled({ ...daemonBundle, define }));
// For scripts: import { SerialMonitor, Daemon } from "fb".
put(
  "api.mjs",
  await bundled({
    ...common,
    format: "esm",
    supported: {},
    target: "node20",
    define: { __FB_BUILD__: JSON.stringify(id) },
    entryPoints: ["cli/daemon/api.ts"],
  }),
);
put("package.json", '{"type":"commonjs"}\n');
const external = [...common.external, "./request.cjs", "./look.cjs", "./main.cjs"];
const quick = (entry: string) => bundled({ ...common, define, entryPoints: [`cli/${entry}.ts`], external });
put("request.cjs", await eager(await quick("request")));
put("look.cjs", await quick("look"));
// The last: cli/fb takes it for the sign that dist/ is whole.
put("fb.cjs", await eager(await quick("quick")));

/** The text of a file, null where there is none. */
function textOf(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/** A page of `fb graph` or `fb size`, all of it but its data: style and script lie in it. folder: where its script is. */
async function page(name: string, folder = ""): Promise<string> {
  const browser = { absWorkingDir: root, bundle: true, minify: true, charset: "ascii" as const, write: false as const };
  const parts = await build({ ...browser, target: "es2022", format: "iife", entryPoints: [`cli/page/${folder}page.ts`] });
  const style = await build({ ...browser, entryPoints: [`cli/page/${folder}${name}.css`] });
  const text = (built: { readonly outputFiles: { readonly text: string }[] }) => (built.outputFiles[0]?.text ?? "").trim();
  return readFileSync(join(root, `cli/page/${folder}${name}.html`), "utf8")
    .replace("/*style*/", () => text(style))
    .replace("/*script*/", () => text(parts).replaceAll("</", "<\\/"));
}

async function bundled(options: BuildOptions): Promise<Uint8Array> {
  const built = await build({ ...options, write: false });
  return built.outputFiles[0]?.contents ?? new Uint8Array();
}

/** A file of dist/, whole from its first moment: several fb may be started at once after a pull, and each makes dist/ anew. */
function put(name: string, data: Uint8Array | string): void {
  const file = join(root, "dist", name);
  writeFileSync(`${file}.${process.pid}`, data);
  renameSync(`${file}.${process.pid}`, file);
}
