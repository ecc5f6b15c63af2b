/** Routes that do something in a project: build, deploy, install-deps; and a monitor that ends by its patterns. */
import type { ServerResponse } from "node:http";
import { isAbsolute } from "node:path";
import { Patterns } from "../device/patterns.ts";
import { PROFILES } from "../flags.ts";
import type { JsonObject } from "./ask.ts";
import type { Daemon } from "./daemon.ts";
import { monitorByPatterns } from "./monitor-run.ts";
import type { Operation, Outcome } from "./operations.ts";
import { type Call, refuse, reply, type Reply, type Route } from "./route.ts";
import { choice, flag, list, options, orNull, object, seconds, text, whole } from "./schema.ts";

const BUILD = {
  project_dir: text("the project's folder, absolute"),
  environment: text("one env; without it the project's default ones"),
  clean_build: flag("remove the outputs first"),
  verbose: flag("events with their commands"),
  jobs: whole("actions at once", 1, 1024),
  profile: choice("how", ...PROFILES),
  targets: list(text(":firmware, :size, a file…"), "what is built; :firmware"),
  request_id: text("the client's name for this request"),
  stream: flag("NDJSON: each event of `fb run --json` as it comes, the last always `result`"),
};
const PATTERNS = {
  halt_on_error: text("a regular expression: a line that matches ends it with 1"),
  halt_on_success: text("ends it with 0"),
  expect: text("a line that must have come by the end"),
};
const MONITOR_AFTER = {
  port: text("the port, instead of the one that is found"),
  skip_build: flag("what is up to date is not built anyway"),
  monitor_after: flag("then monitor what the board prints"),
  monitor_timeout: seconds("so long"),
  monitor_halt_on_error: PATTERNS.halt_on_error,
  monitor_halt_on_success: PATTERNS.halt_on_success,
  monitor_expect: PATTERNS.expect,
};
const DONE = object({
  success: flag("exit_code is 0"),
  request_id: text("of this request"),
  message: text("for people"),
  exit_code: whole("of the command-line contract"),
  output_file: orNull(text("the image that was made")),
});
const WATCHED = object({
  success: flag("exit_code is 0"),
  message: text("what decided it"),
  exit_code: whole("0 or 1 by the patterns, 5 where the device failed"),
  lines: list(text("a line"), "the last of what came"),
});

export function operationRoutes(daemon: Daemon): Route[] {
  const route = (path: string, says: string, body: Route["body"], answer: Route["answers"][number], run: Route["run"]): Route => ({
    method: "POST",
    path,
    says,
    open: false,
    query: {},
    body,
    answers: { 200: answer },
    run,
  });
  return [
    route("/api/build", "build; ends with the client", options(BUILD, "project_dir"), DONE, (call) => perform(daemon, "build", call)),
    route("/api/deploy", "build and flash; ends with the client", options({ ...BUILD, ...MONITOR_AFTER }, "project_dir"), DONE, (call) =>
      perform(daemon, "deploy", call),
    ),
    route(
      "/api/install-deps",
      "bring packages and libraries",
      options({ project_dir: BUILD.project_dir, environment: BUILD.environment, request_id: BUILD.request_id }, "project_dir"),
      DONE,
      (call) => perform(daemon, "install-deps", call),
    ),
    route(
      "/api/monitor",
      "watch a port until a pattern, the time limit or the client's end",
      options(
        { port: text("an address or a device's id"), baud_rate: whole("115200", 1, 100_000_000), ...PATTERNS, timeout: seconds("a limit") },
        "port",
      ),
      WATCHED,
      (call) => watch(daemon, call),
    ),
  ];
}

async function perform(daemon: Daemon, kind: Exclude<Operation["kind"], "monitor">, call: Call): Promise<Reply> {
  const { body } = call;
  const project = String(body["project_dir"]);
  if (!isAbsolute(project)) return refuse(400, "value", `"project_dir" must be an absolute path, not ${project}`);
  const bad = patternsOf(body, "monitor_");
  if (!bad.ok) return refuse(400, bad.failure.code, bad.failure.message);
  const words = kind === "build" ? buildWords(body) : kind === "deploy" ? deployWords(body) : depsWords(body);
  const odd = targetsOf(body).find((t) => t.startsWith("-") || t === "");
  if (odd !== undefined) return refuse(400, "value", `"targets": ${JSON.stringify(odd)} is no target`);
  const id = typeof body["request_id"] === "string" ? body["request_id"] : null;
  if (body["stream"] === true)
    return {
      stream: async (response) => {
        response.writeHead(200, {
          "content-type": "application/x-ndjson",
          "cache-control": "no-store",
          "x-content-type-options": "nosniff",
        });
        response.flushHeaders();
        const outcome = await daemon.operations.run(kind, project, words, id, call.gone, (event) => put(response, event));
        const { result, ...said } = outcome;
        await put(response, { ...(result ?? withoutResult(outcome)), ...said });
        response.end();
      },
    };
  const { result: _, ...said } = await daemon.operations.run(kind, project, words, id, call.gone, () => {});
  return reply(said);
}

/** Waits for a client that is slower than its build. */
async function put(response: ServerResponse, line: object): Promise<void> {
  if (response.destroyed || response.write(`${JSON.stringify(line)}\n`)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      response.off("drain", go);
      response.off("close", go);
      resolve();
    };
    response.on("drain", go);
    response.on("close", go);
  });
}

/** What stands for the result of an fb that ended without one. */
function withoutResult({ exit_code }: Outcome): JsonObject {
  return { type: "result", t: 0, status: exit_code === 0 ? "ok" : exit_code === 130 ? "cancelled" : "failed", exitCode: exit_code };
}

/** Values are joined to their flags: none can be taken for another. */
function common(body: JsonObject): string[] {
  const words: string[] = [];
  if (typeof body["environment"] === "string") words.push(`--env=${body["environment"]}`);
  return words;
}

function runFlags(body: JsonObject): string[] {
  const words = common(body);
  if (typeof body["profile"] === "string") words.push(`--${body["profile"]}`);
  if (typeof body["jobs"] === "number") words.push(`--jobs=${body["jobs"]}`);
  if (body["verbose"] === true) words.push("--verbose");
  return [...words, "--json"];
}

function targetsOf(body: JsonObject): string[] {
  const given = body["targets"];
  return Array.isArray(given) ? given.map(String) : [];
}

function buildWords(body: JsonObject): string[] {
  const clean = body["clean_build"] === true ? ["--target=clean"] : [];
  const targets = targetsOf(body).map((t) => (/[:/.^]/.test(t) ? t : `:${t}`));
  return ["run", `--directory=${body["project_dir"]}`, ...runFlags(body), ...clean, ...(targets.length === 0 ? [":firmware"] : targets)];
}

function deployWords(body: JsonObject): string[] {
  const words = ["deploy", `--directory=${body["project_dir"]}`, ...runFlags(body)];
  const value = (name: string, flagName: string) => {
    const given = body[name];
    if (typeof given === "string" || typeof given === "number") words.push(`--${flagName}=${given}`);
  };
  value("port", "port");
  if (body["clean_build"] === true) words.push("--clean");
  if (body["monitor_after"] !== true) return words;
  words.push("--monitor");
  value("monitor_timeout", "timeout");
  value("monitor_halt_on_error", "halt-on-error");
  value("monitor_halt_on_success", "halt-on-success");
  value("monitor_expect", "expect");
  return words;
}

function depsWords(body: JsonObject): string[] {
  return ["deps", `--directory=${body["project_dir"]}`, ...common(body), "--json"];
}

function patternsOf(body: JsonObject, before: string) {
  const given = (name: string) => {
    const value = body[`${before}${name}`];
    return typeof value === "string" ? value : null;
  };
  return Patterns.read({ haltOnError: given("halt_on_error"), haltOnSuccess: given("halt_on_success"), expect: given("expect") });
}

async function watch(daemon: Daemon, call: Call): Promise<Reply> {
  const { body } = call;
  const patterns = patternsOf(body, "");
  if (!patterns.ok) return refuse(400, patterns.failure.code, patterns.failure.message);
  const baud = typeof body["baud_rate"] === "number" ? body["baud_rate"] : 115_200;
  const limit = typeof body["timeout"] === "number" ? body["timeout"] : null;
  const done = await monitorByPatterns(daemon, String(body["port"]), baud, patterns.value, limit, call.gone);
  if (done.ok)
    return reply({ success: done.value.exit === 0, message: done.value.why, exit_code: done.value.exit, lines: done.value.lines });
  const { failure } = done;
  if (failure.exit === 2) return refuse(400, failure.code, failure.message, { hint: failure.hint });
  return reply({ success: false, message: failure.message, exit_code: failure.exit, lines: [] });
}
