/** A build of one env by hand: platform files, compose and instantiate, then each command in turn. No engine, no cache: what is tested is the platform. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { LocalProvider } from "../../cache/providers/local.ts";
import { findPackage, type PackageIo, type PackageRef } from "../../cache/providers/package.ts";
import { SystemProvider } from "../../cache/providers/system.ts";
import { signFile } from "../../cache/signature.ts";
import { type Answer, probeToolchain, type Toolchain, type ToolchainIo } from "../../cache/toolchain.ts";
import type { ActionSpec, Digest, DirEntry, Memo, Result } from "../../engine/types.ts";
import { type CompileFlags, compose } from "../../rules/compose.ts";
import { type Bound, expand, scope, within } from "../../rules/expand.ts";
import { noScopes, parseFlags, plainScopes, type Scopes } from "../../rules/flags.ts";
import type { ConfigIo } from "../../rules/ini/config.ts";
import { instantiate } from "../../rules/instantiate.ts";
import { type EnvProject, envNames, type ProjectIo, readProject } from "../../rules/project.ts";
import { boardContext, resolve } from "../../rules/resolve.ts";
import { ruleDigestInput } from "../../rules/rulefile.ts";
import { FLAG_SCOPES } from "../../rules/schema.ts";
import { parseTemplate, type Template } from "../../rules/template.ts";

export const PLATFORMS = new URL("../../platforms", import.meta.url).pathname;
export const VARS = { LC_ALL: "C.UTF-8", PWD: "/proc/self/cwd" };

export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.failure, null, 1));
  return result.value;
}

export function sha256(data: Uint8Array | string): Digest {
  return createHash("sha256").update(data).digest("hex") as Digest;
}

export function diskIo(dir: string): ProjectIo & PackageIo {
  const at = (path: string) => (path.startsWith("/") ? path : join(dir, path));
  const quiet = <T>(f: () => T): T | null => {
    try {
      return f();
    } catch {
      return null;
    }
  };
  const io: Omit<ConfigIo, "value"> = {
    read: (path) => quiet(() => readFileSync(at(path), "utf8")),
    glob: () => [],
    unixTime: () => 0,
    sha1: (text) => createHash("sha1").update(text).digest("hex"),
  };
  return {
    ...io,
    projectDir: dir,
    value: (name) => (name === "PATH" ? process.env["PATH"] : name === "HOME" ? "/nowhere" : undefined),
    list: (path) =>
      quiet(() =>
        readdirSync(at(path))
          .sort()
          .map((name): DirEntry => ({ name, is: statSync(join(at(path), name)).isDirectory() ? "dir" : "file" })),
      ),
    realpath: (path) => quiet(() => realpathSync(at(path))),
    isDir: (path) => quiet(() => statSync(at(path)).isDirectory()) === true,
    isExecutable: (path) => quiet(() => accessSync(at(path), constants.X_OK)) !== null && statSync(at(path)).isFile(),
    sha256,
  };
}

export function toolIo(dir: string): ToolchainIo & { runs: number } {
  const at = (path: string) => (path.startsWith("/") ? path : join(dir, path));
  const io = {
    runs: 0,
    sign: (path: string) => signFile(at(path)),
    realpath: diskIo(dir).realpath,
    exec(argv: readonly string[]): Answer {
      io.runs++;
      const [program = "", ...args] = argv;
      const ran = spawnSync(program.includes("/") ? at(program) : program, args, { argv0: program, cwd: dir, env: VARS, encoding: "utf8" });
      return { code: ran.status ?? 1, stdout: ran.stdout ?? "", stderr: ran.stderr ?? "" };
    },
    execAll: async (argvs: readonly (readonly string[])[]) => argvs.map((argv) => io.exec(argv)),
    sha256,
  };
  return io;
}

export function memory(): Memo {
  const values = new Map<string, string>();
  return {
    digest: () => undefined,
    remember: () => {},
    value: (key) => values.get(key),
    setValue: (key, json) => void values.set(key, json),
  };
}

const MEMO = memory();

export interface Built {
  readonly env: EnvProject;
  readonly packages: ReadonlyMap<string, PackageRef>;
  readonly toolchain: Toolchain;
  readonly actions: readonly ActionSpec[];
}

/** Everything that a build of the env would run, in an order that can be run; links of packages are made. `core: false` leaves the framework's sources out. */
export async function planByHand(dir: string, name: string, profile: "release" | "quick" | "debug", core = true): Promise<Built> {
  const io = diskIo(dir);
  const read = must(readProject(dir, PLATFORMS, io)).envs.get(name);
  if (read === undefined || !read.ok) throw new Error(JSON.stringify(read?.failures ?? `no env ${name}`));
  const env = read.value;
  const { rules } = env.platform;
  const [tool] = rules.tools.values();
  if (tool === undefined) throw new Error("no tool");
  const framework = env.framework === null ? null : (rules.frameworks.get(env.framework) ?? null);
  const packages = new Map<string, PackageRef>();
  const providers = [new LocalProvider(io), new SystemProvider(io)];
  const find = (info: typeof tool | NonNullable<typeof framework>, kind: "tool" | "folder"): PackageRef => {
    const want = env.packageWants.find((each) => each.name === info.package) ?? null;
    const ref = must(
      findPackage(
        {
          name: info.package,
          kind,
          finds: info.finds,
          anywhere: false,
          debian: info.debian,
          pypi: info.pypi,
          want,
          neededBy: `[env:${name}]`,
          fetchedBy: "",
          paired: false,
        },
        providers,
      ),
    );
    packages.set(info.package, ref);
    if (ref.link !== null && !existsSync(join(dir, ref.link))) {
      mkdirSync(join(dir, dirname(ref.link)), { recursive: true });
      symlinkSync(ref.folder, join(dir, ref.link));
    }
    return ref;
  };
  const toolRef = find(tool, "tool");
  const frameworkRef = framework === null ? null : find(framework, "folder");

  const board = boardContext(new Map(envNames(env)));
  const context = { host: "linux", framework: env.framework ?? "", ...board, macros: new Set<string>(), profile, env: name };
  const build = `.fb/build/${name}/${profile}`;
  const names = new Map<string, Bound>([
    ...envNames(env),
    [`tool.${tool.name}`, toolRef.as],
    ["framework", frameworkRef?.as ?? ""],
    ["build", build],
    ["profile", profile],
    ...["elf", "hex"].map((kind) => [`image.${kind}`, `${build}/firmware.${kind}`] as const),
  ]);
  const first = resolve(rules, { ...context, toolVersions: new Map() });
  const all = (vars: typeof first.vars, text: string) => must(expand([template(text)], scope(names, vars)));
  const program = (key: string) => (first.vars.has(`tool.${tool.name}.${key}`) ? all(first.vars, `\${tool.${tool.name}.${key}}`) : []);
  const toolchain = must(
    await probeToolchain(
      {
        ...{ cc: program("cc")[0] ?? "", cxx: program("cxx")[0] ?? "", programs: ["as", "ar", "objcopy"].flatMap(program) },
        ...{
          arch: first.vars.has("arch") ? all(first.vars, `\${arch}`) : [],
          hide: all(first.vars, `\${hide}`),
          tries: [],
          name: tool.package,
          macros: null,
        },
      },
      toolIo(dir),
      MEMO,
    ),
  );
  const resolved = resolve(rules, { ...context, toolVersions: new Map([[tool.name, toolchain.version]]) });
  const outer = scope(names, resolved.vars);

  const flagContext = {
    variables: new Map(),
    projectDir: dir,
    base: "",
    commands: new Map(),
    plain: false,
    option: "",
    file: null,
    line: 0,
    column: 0,
  };
  const parse = (items: readonly string[], plain = false) => parseFlags(items, { ...flagContext, plain }).scopes;
  const own = plainScopes(
    Object.fromEntries(FLAG_SCOPES.map((s) => [s, must(expand(resolved.flags[s], outer))])) as unknown as Parameters<typeof plainScopes>[0],
  );
  const before: Scopes = env.framework === null ? own : noScopes;
  const composed = compose({
    ...{ variables: new Map(), projectDir: dir, buildDir: build, platform: before, framework: env.framework === null ? noScopes : own },
    ...{
      board: parse(env.board?.extraFlags ?? []),
      user: parse(env.buildFlags),
      unflags: parse(env.buildUnflags),
      src: parse(env.buildSrcFlags),
    },
    ...{ debug: profile === "debug" ? parse(env.debugBuildFlags, true) : null, withoutLto: profile === "quick", testIncludes: null },
    ...{
      projectIncludes: ["include", "src"].filter((folder) => existsSync(join(dir, folder))),
      libraries: [],
      uses: [],
      before: noScopes,
      extra: noScopes,
      after: noScopes,
      ldscript: null,
    },
  });

  const actions: ActionSpec[] = [];
  const make = (ruleName: string, more: readonly (readonly [string, Bound])[], src: string | null): string => {
    const rule = resolved.rules.get(ruleName);
    if (rule === undefined) throw new Error(`no rule ${ruleName}`);
    const given = {
      ...{ env: name, profile, build, src, inputs: [], orderOnly: [], label: null, tool: toolchain.digest, builtIn: toolchain.includesC },
      ...{
        opened: new Map(),
        devices: new Map(),
        filesBelow: () => null,
        hash: sha256,
        rule: sha256(ruleDigestInput(rule)),
        rspLimit: 100_000,
      },
    };
    const action = must(instantiate(rule, within(outer, more), given));
    actions.push(action);
    return action.outputs[0] ?? "";
  };
  const compile = (src: string, obj: string, flags: CompileFlags): string[] => {
    const rule = [...resolved.rules.values()].find((r) => r.match.some((glob) => src.endsWith(glob.replace("*", ""))));
    const lists = Object.entries(flags).filter(([key]) => key !== "includeDirs");
    return rule === undefined ? [] : [make(rule.name, [...lists, ["obj", obj]], src)];
  };
  const objects = sources(dir, "src").flatMap((file) => compile(`src/${file}`, `src/${file}`, composed.project));
  const archives: string[] = [];
  if (core && env.framework !== null)
    for (const [archive, key] of [
      ["libFrameworkArduinoVariant.a", "variant"],
      ["libFrameworkArduino.a", "core"],
    ] as const) {
      const folder = must(expand([template(`\${${key}}`)], outer))[0] ?? "";
      const compiled = sources(dir, folder).flatMap((file) =>
        compile(`${folder}/${file}`, `${archive.slice(3, -2)}/${file}`, composed.framework),
      );
      archives.push(
        make(
          "archive",
          [
            ["archive", archive],
            ["objects", compiled],
          ],
          null,
        ),
      );
    }
  const { link } = composed;
  const inside = [...link.libsBefore, ...archives, ...link.libsAfter];
  const group = (key: string) => (inside.length === 0 ? [] : must(expand([template(`\${${key}}`)], outer)));
  make(
    "link",
    [
      ["linker", must(expand([template("${link_cxx}")], outer))[0] ?? ""],
      ...Object.entries({
        linkflags: link.linkflags,
        objects,
        libpath: link.libpath,
        libs: [...group("group_start"), ...inside, ...group("group_end")],
      }),
    ],
    null,
  );
  if (resolved.rules.has("hex")) make("hex", [], null);
  return { env, packages, toolchain, actions };
}

/** Runs the actions; those of fb's own tools are left out. Returns what was printed. */
export function runAll(dir: string, actions: readonly ActionSpec[]): string {
  let log = "";
  for (const action of actions) {
    const [program = "", ...args] = action.argv;
    if (program === "fb") continue;
    for (const out of action.outputs) mkdirSync(dirname(join(dir, out)), { recursive: true });
    const ran = spawnSync(program.startsWith("/") ? program : join(dir, program), args, {
      argv0: program,
      cwd: dir,
      env: { ...VARS, ...action.vars },
      encoding: "utf8",
    });
    if (ran.status !== 0) throw new Error(`${action.argv.join(" ")}\n${ran.stdout}${ran.stderr}`);
    log += ran.stdout + ran.stderr;
  }
  return log;
}

export function hashOf(dir: string, file: string): Digest {
  return sha256(readFileSync(join(dir, file)));
}

function template(text: string): Template {
  const span = { file: "", line: 0, column: 0 };
  return must(parseTemplate({ is: "text", value: text, span, at: null }));
}

function sources(dir: string, folder: string): string[] {
  const root = folder.startsWith("/") ? folder : join(dir, folder);
  return existsSync(root)
    ? readdirSync(root, { recursive: true, encoding: "utf8" })
        .filter((file) => statSync(join(root, file)).isFile())
        .sort()
    : [];
}
