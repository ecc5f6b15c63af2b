/** Picks what happens next to a project, from its files as they are now and a seed. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../random.ts";
import { editIni, editSteps, firstIni, type Ini, iniText, stepsText } from "./ini.ts";
import type { ProjectKind } from "./kind.ts";
import type { FileOp, Harm, Op, RunOp, Time } from "./ops.ts";

/** A file's text, what a link leads to, or an empty folder. */
type Content = { readonly text: string } | { readonly link: string } | "folder";

interface State {
  readonly files: ReadonlyMap<string, Content>;
  readonly ini: Ini;
}

const HARMS: readonly Harm[] = [
  "delete",
  "truncate",
  "append",
  "flip",
  "flip",
  "mode",
  "folder",
  "link",
  "touch",
  "delete folder",
  "file for folder",
];
const LOSSES = [".fb", ".fb/build", ".fb/state", "state part", "state part", "snapshot half", "cache", "blobs", "blob half"] as const;

export class Generator {
  private readonly random: Random;
  private readonly kind: ProjectKind;
  /** The project's folder; its neighbour `out` belongs to it. */
  private readonly folder: string;
  private ini: Ini;
  private readonly good: State[] = [];
  /** Whether the last edits were of contents only. */
  private calm = false;
  private request: Pick<RunOp, "envs" | "profile"> | null = null;

  constructor(random: Random, kind: ProjectKind, folder: string) {
    this.random = random;
    this.kind = kind;
    this.folder = folder;
    this.ini = firstIni(kind.ini);
  }

  /** What a project begins with. */
  *begin(): Generator_ {
    const { random, kind } = this;
    for (const path of kind.base) {
      let first = this.write(path);
      while (first.text.includes("#error")) first = this.write(path);
      yield first;
    }
    for (let n = random.below(4); n > 0; n--) this.ini = editIni(random, this.ini, kind.ini);
    yield* this.writeIni();
    for (let n = random.below(3); n > 0; n--) this.ini = editSteps(random, this.ini, kind.ini);
    if (this.ini.steps.length > 0) yield* this.writeSteps();
  }

  /** A run's edits: usually one to three; after a failure often what takes the project back to where it built, else often nothing but what files hold. */
  *edits(failed: boolean): Generator_ {
    const { random } = this;
    this.calm = !failed && random.chance(0.5);
    if (this.calm) return yield* this.contentsOnly();
    if (failed && random.chance(0.7) && this.good.length > 0) yield* this.revert(1);
    for (let n = 1 + random.below(4); n > 0; n--) yield* this.edit();
  }

  run(last: boolean, sh: boolean): RunOp {
    const { random } = this;
    // Mostly the request before, as people do: only then is there something to keep.
    if (this.request === null || (!this.calm && random.chance(0.35))) this.request = this.another();
    const { envs, profile } = this.request;
    const check = last || random.chance(0.5);
    const words =
      check || this.calm ? [] : random.pick([[], [], ["-j", "1"], ["-j", "3"], ["--no-cache"], ["--fresh"], ["-n"], ["--offline"]]);
    const during = !check && random.chance(0.25) ? [...this.meanwhile()] : [];
    return { do: "run", envs, profile, words, check, twin: check && random.chance(0.3), sh: last && sh, during };
  }

  private another(): Pick<RunOp, "envs" | "profile"> {
    const { random } = this;
    const all = Object.keys(this.kind.ini.envs);
    const envs = random.chance(0.6) ? [random.pick(all)] : random.chance(0.5) ? all.slice(0, 2) : [];
    return { envs, profile: random.pick([null, null, "release", "debug", "debug", "quick"]) };
  }

  /** Edits after which a run may take up the graph that the last one kept: no file comes, goes or includes another one. */
  private *contentsOnly(): Generator_ {
    const { random } = this;
    for (let n = 1 + random.below(2); n > 0; n--) {
      yield* random.pick<() => Iterable<Op>>([
        () => this.same(),
        () => this.same(),
        () => [{ do: "touch", path: this.any(), time: "now" }],
        () => [{ do: "harm", how: random.pick<Harm>(["delete", "truncate", "append", "flip", "touch"]), at: random.next() }],
      ])();
    }
  }

  /** The project builds as it is now. */
  remember(): void {
    this.good.push({ files: this.contents(), ini: this.ini });
    if (this.good.length > 4) this.good.shift();
  }

  private *meanwhile(): Iterable<FileOp> {
    const { random } = this;
    for (let n = 1 + random.below(2); n > 0; n--) {
      const path = random.pick(this.kind.base.filter((p) => /\.(h|cpp|c|inl|ino)$/.test(p)));
      yield this.write(path);
    }
  }

  private *edit(): Generator_ {
    const { random } = this;
    const kinds: readonly (readonly [number, () => Iterable<Op>])[] = [
      [12, () => [this.write(random.pick(this.kind.pool))]],
      [11, () => this.same()],
      [4, () => [{ do: "touch", path: this.any(), time: random.pick<Time>(["now", "now", "old", "old", "future"]) }]],
      [5, () => [{ do: "remove", path: random.chance(0.15) ? this.anyFolder() : this.any() }]],
      [5, () => this.move()],
      [2, () => this.link()],
      [1, () => [{ do: "folder", path: this.any() }]],
      [10, () => this.config()],
      [4, () => this.steps()],
      [9, () => [{ do: "harm", how: random.pick(HARMS), at: random.next() }]],
      [2, () => [{ do: "lose", what: random.pick(LOSSES), at: random.next() }]],
      [3, () => this.variable()],
      [5, () => this.revert(random.chance(0.5) ? 1 : 0.3)],
      [1, () => [{ do: "mode", path: this.any(), mode: random.pick([0o755, 0o644]) }]],
    ];
    let at = random.below(kinds.reduce((n, [weight]) => n + weight, 0));
    for (const [weight, make] of kinds) {
      at -= weight;
      if (at < 0) return yield* make();
    }
  }

  private write(path: string): Extract<FileOp, { do: "write" }> {
    const { random } = this;
    const time = random.pick<Time>(["now", "now", "now", "now", "kept", "old"]);
    return { do: "write", path, text: this.kind.text(random, path), time, rename: random.chance(0.3) };
  }

  /** An edit that leaves size and time as they were, so that neither tells of it. */
  private *same(): Generator_ {
    const { random } = this;
    const path = random.chance(0.7) ? random.pick(this.kind.base) : this.any();
    const content = this.contents().get(path);
    if (typeof content !== "object" || !("text" in content)) return;
    const digits = [...content.text.matchAll(/(?<=[ (-])[1-9](?=[0-9]*[ )\n;+])/g)];
    const at = digits.length === 0 ? undefined : random.pick(digits).index;
    if (at === undefined) return yield { do: "touch", path, time: "now" };
    const digit = (Number(content.text[at]) % 9) + 1;
    const text = `${content.text.slice(0, at)}${digit}${content.text.slice(at + 1)}`;
    yield { do: "write", path, text, time: random.pick<Time>(["kept", "kept", "now"]), rename: random.chance(0.5) };
  }

  private *move(): Generator_ {
    const { random } = this;
    if (random.chance(0.15)) {
      const folder = this.anyFolder();
      return yield { do: random.chance(0.8) ? "move" : "copy", from: folder, to: `${folder}_n` };
    }
    const from = this.any();
    const extension = /\.[^./]*$/.exec(from)?.[0] ?? "";
    const near = this.kind.pool.filter((p) => p.endsWith(extension) && p !== from);
    const to = near.length === 0 || random.chance(0.3) ? from.replace(/(\.[^./]*)?$/, (e) => `_n${e}`) : random.pick(near);
    yield { do: random.chance(0.8) ? "move" : "copy", from, to };
  }

  /** A file becomes a link to where it lies now, or to another file of its kind; a folder a link to its moved self. */
  private *link(): Generator_ {
    const { random } = this;
    const up = (path: string) => "../".repeat(path.split("/").length - 1);
    if (random.chance(0.3)) {
      const folder = this.anyFolder();
      yield { do: "move", from: folder, to: `moved/${folder.replaceAll("/", "_")}` };
      return yield { do: "link", path: folder, to: `${up(folder)}moved/${folder.replaceAll("/", "_")}` };
    }
    const path = this.any();
    const extension = /\.[^./]*$/.exec(path)?.[0] ?? "";
    const others = [...this.contents().keys()].filter((p) => p.endsWith(extension) && p !== path && !p.startsWith("../"));
    if (path.startsWith("../") || others.length === 0) return;
    if (random.chance(0.5)) yield { do: "link", path, to: `${up(path)}${random.pick(others)}` };
    else {
      yield { do: "move", from: path, to: `moved/${path.replaceAll("/", "_")}` };
      yield { do: "link", path, to: `${up(path)}moved/${path.replaceAll("/", "_")}` };
    }
  }

  private *config(): Generator_ {
    const before = iniText(this.ini, this.kind.ini);
    this.ini = editIni(this.random, this.ini, this.kind.ini);
    if (iniText(this.ini, this.kind.ini) !== before) yield* this.writeIni();
  }

  private *steps(): Generator_ {
    this.ini = editSteps(this.random, this.ini, this.kind.ini);
    yield* this.writeSteps();
  }

  private *writeIni(): Generator_ {
    const text = iniText(this.ini, this.kind.ini);
    yield { do: "write", path: "platformio.ini", text, time: "now", rename: this.random.chance(0.3) };
  }

  private *writeSteps(): Generator_ {
    if (this.ini.steps.length === 0) return yield { do: "remove", path: "fb.toml" };
    yield { do: "write", path: "fb.toml", text: stepsText(this.ini, this.kind.ini), time: "now", rename: false };
  }

  private *variable(): Generator_ {
    const { random } = this;
    const name = random.pick(Object.keys(this.kind.vars));
    yield { do: "var", name, value: random.chance(0.4) ? null : random.pick(this.kind.vars[name] ?? []) };
  }

  /** Back to a state that built, as a checkout of it does; a share below 1: some of its files only. */
  private *revert(share: number): Generator_ {
    if (this.good.length === 0) return;
    const { random } = this;
    const { files, ini } = share === 1 ? (this.good.at(-1) ?? random.pick(this.good)) : random.pick(this.good);
    const now = this.contents();
    const takes = () => share === 1 || random.chance(share);
    for (const path of now.keys()) if (!files.has(path) && takes()) yield { do: "remove", path };
    for (const [path, content] of files) {
      if (JSON.stringify(now.get(path)) === JSON.stringify(content) || !takes()) continue;
      if (content === "folder") yield { do: "folder", path };
      else if ("link" in content) yield { do: "link", path, to: content.link };
      else yield { do: "write", path, text: content.text, time: random.pick<Time>(["now", "now", "old"]), rename: true };
    }
    if (share === 1) this.ini = ini;
  }

  private any(): string {
    return this.random.pick([...this.contents().keys()].filter((p) => p !== "platformio.ini" && p !== "fb.toml"));
  }

  private anyFolder(): string {
    const folders = new Set(
      [...this.contents().keys()].flatMap((p) => (p.includes("/") && !p.startsWith("../") ? [p.slice(0, p.lastIndexOf("/"))] : [])),
    );
    return this.random.pick([...folders]);
  }

  /** Everything that was written by hand, by path; fb's own folder is left out. */
  private contents(): Map<string, Content> {
    const found = new Map<string, Content>();
    const visit = (path: string) => {
      const names = readdirSync(join(this.folder, path)).sort();
      if (names.length === 0) found.set(path, "folder");
      for (const name of names) {
        const below = path === "" ? name : `${path}/${name}`;
        if (below === ".fb") continue;
        const at = join(this.folder, below);
        const stat = lstatSync(at);
        if (stat.isSymbolicLink()) found.set(below, { link: readlinkSync(at) });
        else if (stat.isDirectory()) visit(below);
        else found.set(below, { text: readFileSync(at, "utf8") });
      }
    };
    visit("");
    visit("../out");
    for (const root of ["", "../out"]) found.delete(root);
    return found;
  }
}

type Generator_ = Iterable<Op>;
