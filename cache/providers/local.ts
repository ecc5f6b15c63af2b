/** Packages in a folder that the project names: `platform_packages = NAME@symlink://FOLDER`, `file://FOLDER` or a path. Used where they are. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import {
  type PackageIo,
  type PackageNeed,
  type PackageProvider,
  type PackageRef,
  packageRef,
  programIn,
  programPlaces,
} from "./package.ts";

export class LocalProvider implements PackageProvider {
  readonly #io: PackageIo;

  constructor(io: PackageIo) {
    this.#io = io;
  }

  /** Failure `package.no-folder` (exit 3) at the ini's line: no such folder, or one without the program that makes it the tool. */
  find(need: PackageNeed): Result<PackageRef> | null {
    if (need.want === null || need.want.source.is !== "folder") return null;
    const { origin, source } = need.want;
    const folder = this.#io.isDir(this.#path(source.path)) ? this.#io.realpath(this.#path(source.path)) : null;
    if (folder === null) {
      const message = `package ${need.name}: there is no folder ${source.path}`;
      return fail(
        failure("package.no-folder", 3, message, { ...origin, hint: `expected a folder, absolute or relative to ${this.#io.projectDir}` }),
      );
    }
    const places = need.kind === "tool" ? programPlaces(need) : [];
    if (places.length > 0 && programIn(folder, places, this.#io) === null) {
      const message = `package ${need.name}: ${source.path} has no program ${places.join(" or ")}`;
      return fail(failure("package.no-folder", 3, message, { ...origin, hint: "name the folder that holds bin/" }));
    }
    return ok(packageRef(need.name, folder, "local", true, this.#io));
  }

  #path(path: string): string {
    if (path === "~" || path.startsWith("~/")) return `${this.#io.value("HOME") ?? ""}${path.slice(1)}`;
    return path.startsWith("/") ? path : `${this.#io.projectDir}/${path}`;
  }
}
