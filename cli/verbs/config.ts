/** `fb config`: the project as fb reads it, for people, for scripts that expect PlatformIO's JSON, and its mistakes. */
import type { Failure } from "../../engine/types.ts";
import { warning } from "../../engine/failure.ts";
import { type Config, lintConfig, readConfig, type Value } from "../../rules/ini/config.ts";
import { configTable, lintTable } from "../../rules/ini/json.ts";
import { type ProjectIo, RULE_FILE_NAME } from "../../rules/project.ts";
import { ruleFileProblems } from "../../rules/rulefile.ts";
import type { Command } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { openDisk } from "../host/disk.ts";
import { openProject, RecordingProjectIo } from "../open-project.ts";
import { projectFolder } from "../project-folder.ts";
import { count, paint, stripSgr } from "../show/text.ts";

type ConfigCommand = Extract<Command, { verb: "config" }>;
type Lint = { readonly errors: readonly Failure[]; readonly warnings: readonly Failure[] };

/** Exit 3 for a configuration that does not read; with --lint for any mistake in it. */
export async function configVerb(command: ConfigCommand, faces: Faces): Promise<number> {
  const folder = projectFolder(command.project ?? command.dir);
  if (!folder.ok)
    return command.lint ? showLint({ errors: [folder.failure], warnings: [] }, command, faces) : complain(faces, [folder.failure]);
  const disk = openDisk(folder.value);
  const io = new RecordingProjectIo(folder.value, disk);
  if (command.lint) return showLint(lintProject(folder.value, io), command, faces);
  const config = readConfig(folder.value, io);
  if (!config.ok) return complain(faces, [config.failure]);
  if (command.json) {
    const table = configTable(config.value);
    if (!table.ok) return complain(faces, [table.failure]);
    faces.out.write(`${JSON.stringify(table.value)}\n`);
    return 0;
  }
  return showConfig(config.value, faces);
}

// ── for people ──

/** Every section with its values expanded. A value that cannot be resolved is shown as written, and told of on standard error. */
function showConfig(config: Config, faces: Faces): number {
  const { color } = faces.out;
  const wrong: Failure[] = [];
  const blocks: string[] = [];
  for (const section of config.sections) {
    const names = config.options(section);
    const width = Math.max(0, ...names.map((n) => n.length));
    let block = `${paint(`[${section}]`, "bold", color)}\n`;
    for (const name of names) {
      const value = config.get(section, name);
      if (!value.ok) wrong.push(value.failure);
      const rows = value.ok ? valueRows(value.value) : [config.raw(section, name) ?? "", "(not resolved, see below)"];
      // Lists stand one item a line, as a person would write them.
      block += `  ${paint(name, "cyan", color)}${" ".repeat(width - name.length)} = ${stripSgr(rows.join(`\n${" ".repeat(width + 5)}`))}\n`;
    }
    blocks.push(block);
  }
  faces.out.write(blocks.join("\n"));
  return complain(faces, [...config.warnings, ...wrong]);
}

function valueRows(value: Value | undefined): readonly string[] {
  if (value === undefined) return [""];
  if (typeof value === "boolean") return [value ? "yes" : "no"];
  if (typeof value === "object") return value.length === 0 ? [""] : value;
  // Text that goes over lines begins on the line after its name.
  return String(value).trim().split("\n");
}

// ── lint ──

/** What is wrong or odd in platformio.ini, fb.toml, and in what the envs ask of platforms and boards. */
function lintProject(folder: string, io: ProjectIo): Lint {
  const ini = lintConfig(folder, io);
  const toml = io.read(RULE_FILE_NAME);
  const errors = [...ini.errors, ...(toml === null ? [] : ruleFileProblems(RULE_FILE_NAME, toml))];
  const warnings = [...ini.warnings];
  // What follows needs a project that reads; what is wrong with it as a whole has been named above, or is named here.
  const opened = openProject(folder);
  if (!opened.ok) return { errors: distinct([...errors, opened.failure]), warnings };
  const { project } = opened.value;
  for (const env of project.envs.values()) {
    if (!env.ok) {
      errors.push(...env.failures);
      continue;
    }
    warnings.push(...env.value.warnings);
    // A platform package may have it; but most such names are slips.
    if (env.value.unknownBoard !== null) errors.push(env.value.unknownBoard);
  }
  for (const name of project.later) {
    const section = project.config.envs.map((e) => `env:${e}`).find((s) => project.config.options(s).includes(name)) ?? "";
    const message = `${name} has no effect yet: it belongs to a verb that this version of fb does not have`;
    warnings.push(
      warning("env.option-later", message, { ...project.config.origin(section, name), hint: "the firmware is the same without it" }),
    );
  }
  return { errors: distinct(errors), warnings: distinct([...warnings, ...project.warnings]) };
}

/** A mistake that several envs inherit, or that two readers find, is one: told once. */
function distinct(failures: readonly Failure[]): readonly Failure[] {
  const seen = new Map<string, Failure>();
  for (const f of failures) {
    const key = f.file === null || f.line === 0 ? `${f.code}\n${f.message}` : [f.code, f.file, f.line, f.column].join("\n");
    if (!seen.has(key)) seen.set(key, f);
  }
  return [...seen.values()];
}

function showLint(lint: Lint, command: ConfigCommand, faces: Faces): number {
  const code = lint.errors.length > 0 ? 3 : 0;
  if (command.json) {
    faces.out.write(`${JSON.stringify(lintTable(lint))}\n`);
    return code;
  }
  complain(faces, [...lint.errors, ...lint.warnings]);
  const found = `${count(lint.errors.length, "error")}, ${count(lint.warnings.length, "warning")}`;
  faces.out.write(lint.errors.length + lint.warnings.length === 0 ? "nothing wrong\n" : `${found}\n`);
  return code;
}
