/** Ports that mean a way to reach boards: a place in the network, a virtual board. */
import type { EnvProject, EnvRead, Project } from "./project.ts";
import type { RuleFile } from "./rulefile.ts";

const OPTION = "upload_port";

/** The protocol that a port means, whatever upload_protocol says; undefined: none of its own. */
export function wayOfPort(rules: RuleFile, port: string): string | undefined {
  return rules.uploads.find(({ ports }) => ports !== "" && new RegExp(ports, "i").test(port.trim()))?.protocols[0];
}

/**
 * The project as a command means it that names a port (`-p`): that one goes before upload_port, so it decides the way too. Only of envs for which the way is another one;
 * the rest are as they were, and so are their plans.
 */
export function withPort(project: Project, port: string): Project {
  const meant = (env: EnvProject): EnvProject => {
    const own = env.options.get(OPTION)?.value;
    const { rules } = env.platform;
    if (wayOfPort(rules, port) === (typeof own === "string" ? wayOfPort(rules, own) : undefined)) return env;
    return { ...env, options: new Map([...env.options, [OPTION, { value: port, time: false, origin: null }]]) };
  };
  const envs = [...project.envs].map(([name, env]): [string, EnvRead] => [name, env.ok ? { ok: true, value: meant(env.value) } : env]);
  return { ...project, envs: new Map(envs) };
}
