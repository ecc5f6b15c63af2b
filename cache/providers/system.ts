/** Packages that the system has: a toolchain by a program on PATH, a framework by the folder where distributions put it. */
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { type PackageIo, type PackageNeed, type PackageProvider, type PackageRef, packageRef } from "./package.ts";

interface Prefix {
  readonly folder: string;
  readonly passedOver: string | null;
}

export class SystemProvider implements PackageProvider {
  readonly #io: PackageIo;

  constructor(io: PackageIo) {
    this.#io = io;
  }

  /** Whatever version is wanted: what is installed is what there is, and its version enters every key. */
  find(need: PackageNeed): Result<PackageRef> | null {
    if (need.finds === "" || need.want?.source.is === "folder") return null;
    if (need.kind === "folder") {
      const folder = this.#folder(need.finds);
      return folder === null ? null : ok(packageRef(need.name, folder, "system", true, this.#io));
    }
    const found = need.anywhere ? this.#onPath(need.finds.split("|")) : this.#prefix(need.finds);
    if (found === null) return null;
    return ok({ ...packageRef(need.name, found.folder, "system", false, this.#io), passedOver: found.passedOver });
  }

  /** What a shell would start. */
  #onPath(programs: readonly string[]): Prefix | null {
    for (const folder of (this.#io.value("PATH") ?? "").split(":"))
      if (folder.startsWith("/") && programs.some((program) => this.#io.isExecutable(`${folder}/${program}`)))
        return { folder: folder.replace(/\/+$/, "").replace(/\/bin$/, "") || "/", passedOver: null };
    return null;
  }

  #folder(path: string): string | null {
    return this.#io.isDir(path) ? this.#io.realpath(path) : null;
  }

  /**
   * The folder whose `bin` holds the program: that of its real file, since a link (ccache's, an alternative) stands elsewhere; else that
   * of the place on PATH, where the real file has another name.
   */
  #prefix(program: string): Prefix | null {
    let passedOver: string | null = null;
    for (const folder of (this.#io.value("PATH") ?? "").split(":")) {
      const path = `${folder}/${program}`;
      // An empty or relative entry of PATH is the current folder: never searched for tools.
      if (!folder.startsWith("/") || !this.#io.isExecutable(path)) continue;
      const real = this.#io.realpath(path);
      for (const place of [real, path]) {
        const prefix = place === null ? null : /^(.*)\/bin\/[^/]+$/.exec(place)?.[1];
        if (prefix === null || prefix === undefined || !this.#io.isExecutable(`${prefix}/bin/${program}`)) continue;
        const whole = this.#io.realpath(prefix === "" ? "/" : prefix);
        return whole === null ? null : { folder: whole, passedOver };
      }
      if (!CACHES.test(real ?? "")) passedOver ??= path;
    }
    return null;
  }
}

/** What stands before a compiler and hands on to the next one of its name: fb keeps results by itself. */
const CACHES = /\/(ccache|sccache|distcc|icecc)$/;
