/** `fb deps -n`: what would be fetched for the envs that are asked for, told. */
import { join } from "node:path";
import { cacheFolder } from "../../cache/folders.ts";
import { Store } from "../../cache/store.ts";
import { failure } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import type { RegistryAnswer, RegistryRequest } from "../../rules/registry.ts";
import { LockFile } from "../acquire/lock-file.ts";
import { OUT_OF_REACH } from "../acquire/offer.ts";
import { credentialsOf, openPlaces } from "../acquire/places.ts";
import { lockedPlatform } from "../acquire/platforms.ts";
import type { RunCommand } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { openDisk } from "../host/disk.ts";
import { thisMachine } from "../host/machine.ts";
import { openProject } from "../open-project.ts";
import { wantedEnvs } from "../plans.ts";
import { Prospect, type WouldEnv, wouldTable } from "./would.ts";

/** Exit 3 where an env can not be built, 4 where something could not be found out. folder: the project's. */
export async function tellProspect(folder: string, command: RunCommand, json: boolean, faces: Faces): Promise<number> {
  const lock = LockFile.open(folder, null);
  if (!lock.ok) return complain(faces, [lock.failure]);
  const cache = cacheFolder(process.env);
  if (!cache.ok) return complain(faces, [cache.failure]);
  const store = new Store(join(cache.value, "packages"));
  const disk = openDisk(folder);
  const places = openPlaces(cache.value, command.offline, null);
  try {
    const locked = (env: string, spec: Parameters<typeof lockedPlatform>[1]) =>
      lockedPlatform(env, spec, (asked) => lock.value.locked(asked), store, thisMachine());
    const open = openProject(folder, disk, undefined, locked);
    if (!open.ok) return complain(faces, [open.failure]);
    const { project } = open.value;
    const wanted = wantedEnvs(project, command);
    if (!wanted.ok) return complain(faces, [wanted.failure]);
    places.use(project.settings, credentialsOf(project), false);
    const host = {
      ...{ disk, cache: cache.value, lock: lock.value, mode: command.packages ?? project.settings.provider },
      ask: once((request: RegistryRequest) => places.ask(request)),
      index: places.index,
    };
    const prospect = new Prospect(project, host, ({ platforms }) => {
      const read = openProject(folder, disk, undefined, (env, spec) => platforms.folderOf(env) ?? locked(env, spec));
      return read.ok ? { ok: true, value: read.value.project } : read;
    });
    const envs: WouldEnv[] = [];
    const failures: Failure[] = [];
    for (const name of wanted.value) {
      const env = project.envs.get(name);
      if (env?.ok === true) envs.push(await prospect.of(env.value));
      else failures.push(...(env?.failures ?? []));
    }
    failures.push(...envs.flatMap((each) => each.failures));
    if (json) faces.out.write(`${JSON.stringify(jsonOf(envs, failures))}\n`);
    else faces.out.write(wouldTable(envs, faces.out.color));
    complain(faces, summed(failures));
    return failures.some(({ exit }) => exit === 3) ? 3 : failures.length > 0 ? 4 : 0;
  } finally {
    await places.close();
    disk.close();
  }
}

/** Asks for one thing once: many envs want the same. */
function once(ask: (request: RegistryRequest) => Promise<Result<RegistryAnswer>>): typeof ask {
  const asked = new Map<string, ReturnType<typeof ask>>();
  return (request) => {
    const answer = asked.get(request.path) ?? ask(request);
    asked.set(request.path, answer);
    return answer;
  };
}

/** That nobody could be asked is one thing, however many packages it is about. */
function summed(failures: readonly Failure[]): readonly Failure[] {
  const all = failures.filter((f, i) => failures.findIndex((other) => other.message === f.message && other.line === f.line) === i);
  const far = all.filter(({ code }) => OUT_OF_REACH.has(code));
  const [first] = far;
  if (first === undefined || far.length === 1) return all;
  const why = first.message.slice(first.message.lastIndexOf(": ") + 2).split(";", 1)[0] ?? "";
  const message = `${far.length} things that the envs ask for are not known: the registry could not be asked: ${why}`;
  const hint = "connect to the network, or bring the packages from another machine (`fb cache export` there, `fb cache import` here)";
  return [...all.filter((f) => !far.includes(f)), failure(first.code, 4, message, { hint })];
}

function jsonOf(envs: readonly WouldEnv[], failures: readonly Failure[]): object {
  const missing = failures.map(({ code, message, file, line, hint }) => ({ code, message, file, line, hint }));
  return { packages: envs.flatMap(({ items }) => items), missing };
}
