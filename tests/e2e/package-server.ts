/** A server of archives and of PlatformIO's registry protocol on this machine: what the tests of packages fetch from. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { freshFolder, type Ran, result, type TestProject } from "./harness.ts";

/** Files by path; those that begin with `#!` are executable. */
export type Content = Readonly<Record<string, string>>;

const PROGRAMS = ["gcc", "g++", "as", "gcc-ar", "ar", "objcopy", "size", "gcc-nm", "nm"];
/** The system's compiler in a package of its own. */
export const TOOLCHAIN: Content = Object.fromEntries(
  PROGRAMS.map((name) => [`bin/avr-${name}`, `#!/bin/sh\nexec /usr/bin/avr-${name} "$@"\n`]),
);
/** The least that an Arduino core can be. */
export const LEAST_CORE: Content = {
  "platform.txt": "name=Least\nversion=9.9.9\n",
  "cores/arduino/Arduino.h": "#pragma once\n#include <stdint.h>\nvoid setup();\nvoid loop();\n",
  "cores/arduino/main.cpp": '#include "Arduino.h"\nint main() { setup(); for (;;) loop(); }\n',
  "variants/standard/pins_arduino.h": "#pragma once\n",
};

/** Packs files, with a folder around them, as tar does it by the archive's name. */
export function archive(name: string, content: Content, top = "package"): Buffer {
  const folder = freshFolder("archive");
  for (const [path, text] of Object.entries(content)) {
    const file = join(folder, top, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (text.startsWith("#!")) chmodSync(file, 0o755);
  }
  const packed = join(freshFolder("packed"), name);
  const ran = spawnSync("tar", ["-C", join(folder, top), "-caf", packed, "--transform", `s,^\\.,${top},`, "."]);
  if (ran.status !== 0) throw new Error(`tar: ${ran.stderr}`);
  return readFileSync(packed);
}

export function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

interface Published {
  readonly type: "library" | "tool" | "platform";
  readonly owner: string;
  readonly name: string;
  readonly versions: { readonly name: string; readonly file: string; readonly systems: readonly string[] }[];
}

export class PackageServer {
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  /** `Authorization` of the last request for each path that had one. */
  readonly told = new Map<string, string>();
  /** Paths that want it, and as it has to be. */
  readonly guarded = new Map<string, string>();
  /** The same of those that went on where they had broken off. */
  readonly resumed: string[] = [];
  /** Paths that lead elsewhere. */
  readonly redirects = new Map<string, string>();
  private readonly held = new Map<string, Promise<void>>();
  private readonly server: Server;
  private readonly files = new Map<string, Buffer>();
  private readonly packages = new Map<string, Published>();

  private constructor() {
    this.server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", this.url);
      this.asked.push(url.pathname);
      const said = request.headers.authorization;
      if (said !== undefined) this.told.set(url.pathname, said);
      if ((this.guarded.get(url.pathname) ?? said) !== said) return void response.writeHead(401).end("log in");
      const to = this.redirects.get(url.pathname);
      if (to !== undefined) return void response.writeHead(302, { location: to }).end();
      const answer = this.files.get(url.pathname) ?? this.registry(url);
      if (answer === null) return void response.writeHead(404).end();
      const etag = `"${sha256(answer)}"`;
      const from = request.headers["if-range"] === etag ? Number(/^bytes=(\d+)-$/.exec(request.headers["range"] ?? "")?.[1] ?? 0) : 0;
      if (from > 0) this.resumed.push(url.pathname);
      const range = from > 0 ? { "content-range": `bytes ${from}-${answer.length - 1}/${answer.length}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { "content-length": answer.length - from, etag, ...range });
      const held = this.held.get(url.pathname);
      if (held === undefined) return void response.end(answer.subarray(from));
      const half = Math.max(from, answer.length >> 1);
      response.write(answer.subarray(from, half));
      void held.then(() => response.end(answer.subarray(half)));
    });
  }

  static async start(): Promise<PackageServer> {
    const made = new PackageServer();
    made.server.listen(0, "127.0.0.1");
    await new Promise((done) => made.server.once("listening", done));
    // A test that fails leaves it open.
    made.server.unref();
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Serves a file; its url. */
  put(name: string, data: Buffer): string {
    this.files.set(`/${name}`, data);
    return `${this.url}/${name}`;
  }

  /** From now on the second half of a file comes only once what is returned is called. */
  hold(name: string): () => void {
    let release = (): void => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    this.held.set(`/${name}`, held);
    return () => {
      this.held.delete(`/${name}`);
      release();
    };
  }

  /** Publishes a package's version in the registry: one file, which it has for each of the systems. */
  publish(
    owner: string,
    name: string,
    version: string,
    content: Content,
    type: Published["type"] = "library",
    systems: readonly string[] = ["*"],
  ): void {
    this.offer(owner, name, version, archive(`${name}.tar.gz`, content, "."), type, systems);
  }

  /** The same of a folder as it is. */
  publishFolder(owner: string, name: string, version: string, folder: string, type: Published["type"] = "tool"): void {
    const packed = spawnSync("tar", ["-C", folder, "-cz", "."], { maxBuffer: 1 << 28 });
    if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
    this.offer(owner, name, version, packed.stdout, type, ["*"]);
  }

  private offer(owner: string, name: string, version: string, data: Buffer, type: Published["type"], systems: readonly string[]): void {
    const file = `${owner}-${name}-${version}.tar.gz`;
    this.put(file, data);
    const key = `${type}/${owner}/${name}`.toLowerCase();
    const known = this.packages.get(key) ?? { type, owner, name, versions: [] };
    known.versions.push({ name: version, file, systems });
    this.packages.set(key, known);
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }

  /** platformio.md 4.3. */
  private registry(url: URL): Buffer | null {
    const direct = /^\/v3\/packages\/([^/]+)\/(library|tool|platform)\/([^/]+)$/.exec(url.pathname);
    if (direct !== null) {
      const found = this.packages.get(`${direct[2]}/${direct[1]}/${direct[3]}`.toLowerCase());
      return found === undefined ? null : json(this.packageOf(found, true));
    }
    if (url.pathname !== "/v3/search") return null;
    const query = url.searchParams.get("query") ?? "";
    const asked = (key: string): string | undefined => new RegExp(`${key}:"([^"]*)"`).exec(query)?.[1]?.toLowerCase();
    const items = [...this.packages.values()]
      .filter((each) => each.name.toLowerCase() === asked("name") && each.type === asked("type"))
      .map((each) => this.packageOf(each, false));
    return json({ total: items.length, page: 1, limit: 50, items });
  }

  private packageOf({ type, owner, name, versions }: Published, whole: boolean) {
    const all = versions.map((version) => {
      const data = this.files.get(`/${version.file}`) ?? Buffer.alloc(0);
      const files = version.systems.map((system) => ({
        name: version.file,
        system,
        size: data.length,
        checksum: { sha256: sha256(data) },
        download_url: `${this.url}/${version.file}`,
      }));
      return { name: version.name, released_at: "2020-01-01T00:00:00Z", files };
    });
    const about = { id: 1 + name.length, type, name, owner: { username: owner }, version: all.at(-1), tier: "community" };
    return whole ? { ...about, versions: all } : about;
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** After `first`, nothing is left to do; and with the build folder gone, `run` makes the same image and lock of what is here. */
export async function staysWithoutNetwork(
  project: TestProject,
  first: Ran,
  server: PackageServer,
  run: (args: readonly string[]) => Promise<Ran>,
): Promise<void> {
  const lock = project.read("fb.lock");
  assert.is(result(await run([])).upToDate, result(first).actions);
  const asked = server.asked.length;
  project.remove(".fb");
  const again = await run(["--offline", "--locked"]);
  assert.is(again.code, 0, again.stderr);
  assert.is(result(again).artifacts[0]?.sha256, result(first).artifacts[0]?.sha256);
  assert.is(project.read("fb.lock"), lock);
  assert.is(server.asked.length, asked, "nothing is asked of the network");
}
