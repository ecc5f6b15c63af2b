/** Which devices the effects of a run are for: told from the command line, the ini and what is plugged in, before anything is built. */
import { statSync } from "node:fs";
import { isEffect } from "../../engine/effects.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { ActionSpec, Claim, Failure, ProjectPath, Result } from "../../engine/types.ts";
import { type EnvProject, envNames, type Project } from "../../rules/project.ts";
import { namesReached } from "../../rules/reached-names.ts";
import { isMeant } from "../../rules/resolve.ts";
import type { Rule, RuleFile } from "../../rules/rulefile.ts";
import { CLAIM_HOST, CLAIM_PORT, missingFacts, namesPort, type Upload, uploadOf } from "../../rules/uploads.ts";
import type { RunCommand } from "../command.ts";
import { type Address, addressText, readAddress } from "../device/address.ts";
import { knownHwids } from "../device/board-ids.ts";
import { ALL, boardsAt, choosePort } from "../device/choose.ts";
import { type DevicePort, idOf, listPorts } from "../device/ports.ts";
import { flagVariables } from "../plan-input.ts";

/** A device that an effect is for. id: what claims and the ledger call it. */
interface Bound {
  readonly address: Address;
  readonly id: string;
}

interface EnvDevices {
  readonly env: EnvProject;
  readonly upload: Upload;
  /** What the command line or the ini names as ports, as they are written: boards of the network. */
  readonly hosts: readonly string[];
  /** The same where it is a folder that an uploader takes in the place of a port. */
  readonly folder: string | null;
  /** Empty: none is needed, or it is looked for when the time comes. */
  readonly bound: readonly Bound[];
  readonly needsPort: boolean;
  /** By their names; paths as commands have them. */
  readonly tools: Map<string, LateTool>;
}

interface LateTool {
  readonly folder: string;
  readonly program: string | null;
}

/** What an effect is to be done with. address: null where none is needed. */
export interface Aim {
  readonly env: EnvProject;
  readonly upload: Upload;
  readonly address: Address | null;
}

export class DevicePlan {
  readonly #command: RunCommand;
  readonly #envs = new Map<string, EnvDevices>();
  readonly #aims = new Map<string, Bound>();
  #ports: Promise<readonly DevicePort[]> | null = null;

  constructor(command: RunCommand) {
    this.#command = command;
  }

  /**
   * Takes an env into account. Failures: 3, an upload option or a fact of the board is missing; 2, a port's name; 5, several ports that fit, or one that another
   * env of this run has.
   */
  async begin(project: Project, env: EnvProject, profile: string): Promise<Failure | null> {
    const asked = this.#asked(env);
    if (asked.length === 0) return null;
    const names = envNames(env);
    const upload = uploadOf(env.platform.rules, names, flagVariables(project, env, profile));
    if (!upload.ok) return upload.failure;
    const rules = asked.filter((rule) => isMeant(rule, names));
    const hosts = this.#named(env);
    if (
      hosts.length === 0 &&
      upload.value.command === null &&
      rules.some((rule) => [...namesReached(env.platform.rules, rule.run)].includes("claim.host"))
    ) {
      const hint = "set upload_port to the board's address or name in the network, or give it with -p";
      return failure("upload.no-host", 3, `[env:${env.name}] uploads by ${upload.value.protocol}, and nothing says where the board is`, {
        file: "platformio.ini",
        hint,
      });
    }
    for (const rule of rules) {
      const missing = missingFacts(rule, names);
      if (missing.length === 0 || upload.value.command !== null) continue;
      const hint = `[env:${env.name}] may set them: ${missing.map((name) => `${name} = …`).join(", ")}`;
      return failure("upload.no-facts", 3, `:${rule.target} needs ${missing.join(", ")}, which board "${env.board?.id}" does not have`, {
        file: "platformio.ini",
        hint,
      });
    }
    const needsPort = rules.some((rule) => usesPort(env.platform.rules, rule, upload.value));
    const [first] = hosts;
    const folder = upload.value.optional && first !== undefined && isFolder(first) ? first : null;
    const bound = needsPort && folder === null ? await this.#find(env) : ok([]);
    if (!bound.ok) return bound.failure;
    for (const [other, { bound: theirs }] of this.#envs) {
      const both = bound.value.find(({ id }) => theirs.some((their) => their.id === id));
      if (both === undefined) continue;
      const hint = `one of them with -e, or an upload_port of its own for each`;
      return failure("device.two-envs", 5, `envs ${other} and ${env.name} would both write to ${addressText(both.address)}`, { hint });
    }
    this.#envs.set(env.name, { env, upload: upload.value, hosts, folder, bound: bound.value, needsPort, tools: new Map() });
    return null;
  }

  /** Where a tool of an env lies, as commands name it, and the program by which it was found; null: it has none. */
  tool(env: string, name: string, folder: string, program: () => string | null): void {
    this.#envs.get(env)?.tools.set(name, { folder, program: program() });
  }

  /** The actions that an effect of a plan stands for: one a device. */
  bind(spec: ActionSpec): readonly ActionSpec[] {
    const devices = this.#envs.get(spec.env);
    if (devices === undefined || spec.kind === "monitor") return [spec];
    const { hosts, tools, bound, upload, folder } = devices;
    const portless = bound.length === 0 && upload.optional;
    const late = (arg: string) =>
      arg.replace(/^\$\{tool\.([\w-]+)(\.program)?\}/, (text, name: string, program?: string) => {
        const tool = tools.get(name);
        return (program === undefined ? tool?.folder : tool?.program) ?? text;
      });
    const argv = started(spec.argv.map(late)).map((arg) => arg.replaceAll(CLAIM_PORT, () => (portless ? (folder ?? "") : CLAIM_PORT)));
    if (argv.some((arg) => arg.includes(CLAIM_HOST)))
      return hosts.map((host) => {
        const name = (hosts.length === 1 ? spec.name : `${spec.name}@${host}`) as ProjectPath;
        return { ...spec, name, label: `${spec.label} → ${host}`, argv: argv.map((arg) => arg.replaceAll(CLAIM_HOST, () => host)) };
      });
    if (bound.length === 0 || !argv.some(namesPort)) return [{ ...spec, argv }];
    return bound.map((device) => {
      const name = (bound.length === 1 ? spec.name : `${spec.name}@${device.id}`) as ProjectPath;
      this.#aims.set(name, device);
      const label = `${spec.label} → ${addressText(device.address)}`;
      const claims: Claim[] = [{ on: "device", device: device.id, mode: "exclusive" }];
      return { ...spec, name, argv, label, claims };
    });
  }

  /** Failure (exit 5): no port, or several that fit. */
  async aimOf(spec: ActionSpec, stop: AbortSignal): Promise<Result<Aim>> {
    const devices = this.#envs.get(spec.env);
    if (devices === undefined) throw new Error(`an effect of ${spec.env}, which was not prepared`);
    const { env, upload } = devices;
    const bound = this.#aims.get(spec.name);
    if (bound !== undefined) return ok({ env, upload, address: bound.address });
    if (!spec.argv.some(namesPort)) return ok({ env, upload, address: null });
    const named = this.#named(env)[0] ?? null;
    const read = named === null ? ok(null) : readAddress(named);
    if (!read.ok) return read;
    const chosen = await choosePort(this.#wanted(env, named), stop);
    return chosen.ok ? ok({ env, upload, address: chosen.value.address }) : chosen;
  }

  #asked(env: EnvProject): readonly Rule[] {
    const targets = new Set(this.#command.targets.flatMap((t) => (t.is === "name" && (t.env ?? env.name) === env.name ? [t.name] : [])));
    return [...env.platform.rules.rules.values()].filter((rule) => isEffect(rule) && rule.kind !== "monitor" && targets.has(rule.target));
  }

  #named(env: EnvProject): readonly string[] {
    const given = this.#command.ports.flatMap((text) => text.split(",")).filter((text) => text !== "");
    const own = env.options.get("upload_port")?.value;
    return given.length > 0 ? given : typeof own === "string" && own.trim() !== "" ? [own.trim()] : [];
  }

  #wanted(env: EnvProject, named: string | null): Parameters<typeof choosePort>[0] {
    const address = named === null ? null : readAddress(named);
    return { named: address?.ok === true ? address.value : null, hwids: env.board?.hwids ?? [], known: knownHwids() };
  }

  #list(): Promise<readonly DevicePort[]> {
    this.#ports ??= listPorts();
    return this.#ports;
  }

  /** Empty: there is none now, it is looked for again when it is wanted. */
  async #find(env: EnvProject): Promise<Result<readonly Bound[]>> {
    const ports = await this.#list();
    const boundTo = (address: Address): Bound => ({ address, id: idOf(address, ports) });
    const names = this.#named(env);
    const found: Bound[] = [];
    for (const name of names.length === 0 ? [null] : names) {
      if (name === ALL) {
        const all = boardsAt(ports, env.board?.hwids ?? [], `of env ${env.name} `);
        if (!all.ok) return all;
        found.push(...all.value.map((port) => boundTo({ is: "serial", path: port.port })));
        continue;
      }
      const read = name === null ? ok(null) : readAddress(name);
      // A wrong word of the command line is usage, one of the ini is configuration.
      if (!read.ok)
        return this.#command.ports.length > 0 ? read : fail({ ...read.failure, exit: 3, ...env.options.get("upload_port")?.origin });
      // A look, not a wait.
      const chosen = await choosePort(this.#wanted(env, name), AbortSignal.abort(), () => Promise.resolve(ports));
      if (chosen.ok) found.push(boundTo(chosen.value.address));
      else if (chosen.failure.code !== "device.not-found" || names.length > 1) return chosen;
    }
    return ok(found.filter((one, i) => found.findIndex((other) => other.id === one.id) === i));
  }
}

/** A script that is not in bin/ is not made to be started by itself: PlatformIO hands it to Python. */
function started(argv: readonly string[]): readonly string[] {
  const [program = ""] = argv;
  return program.endsWith(".py") && program.includes("/") && !/\/bin\/[^/]+$/.test(program) ? ["python3", ...argv] : argv;
}

function usesPort(rules: RuleFile, rule: Rule, upload: Upload): boolean {
  if (rule.name === "flash" && upload.command !== null) return namesPort(upload.command);
  const used = new Set(namesReached(rules, rule.run));
  const args = (name: string) => (used.has(`uploader.${name}`) ? (upload.args.get(name) ?? []) : []);
  return used.has("claim.port") || used.has("claim.port_name") || [...args("port"), ...args("flags")].some(namesPort);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
