/** One HTTP request to a daemon, by node:http: it loads in a few milliseconds, where fetch takes tens and 20 MB. */
import { type IncomingMessage, request } from "node:http";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";

/** Where a daemon listens, and what it wants to hear. */
export interface Door {
  readonly host: string;
  readonly port: number;
  /** Null: for routes that need none. */
  readonly token: string | null;
}

export interface Asked {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  /** Sent as JSON; null: no body. */
  readonly body: object | null;
  /** Milliseconds until an answer must begin; null: as long as it takes. */
  readonly limitMs: number | null;
  readonly stop: AbortSignal | null;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Answered {
  readonly status: number;
  readonly body: JsonObject;
}

/** The answer, a JSON object whatever its status; a failure (exit 4) where none came. */
export async function ask(door: Door, asked: Asked): Promise<Result<Answered>> {
  try {
    const response = await open(door, asked);
    let text = "";
    response.setEncoding("utf8");
    for await (const piece of response) text += piece;
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || Array.isArray(body)) return fail(noDaemon(door, "its answer is no JSON object"));
    return ok({ status: response.statusCode ?? 0, body: body as JsonObject });
  } catch (error) {
    return fail(noDaemon(door, error instanceof Error ? error.message : String(error)));
  }
}

/** The same where the answer comes line by line, each a JSON value. An end of the iteration, or `stop`, ends the request. Throws where the connection fails. */
export async function* askLines(door: Door, asked: Asked): AsyncGenerator<JsonObject> {
  const response = await open(door, asked);
  response.setEncoding("utf8");
  let rest = "";
  for await (const piece of response) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") yield JSON.parse(line) as JsonObject;
  }
  if (rest.trim() !== "") yield JSON.parse(rest) as JsonObject;
}

function open(door: Door, asked: Asked): Promise<IncomingMessage> {
  const { host, port, token } = door;
  const text = asked.body === null ? null : JSON.stringify(asked.body);
  const headers: Record<string, string | number> = { accept: "application/json" };
  if (token !== null) headers["authorization"] = `Bearer ${token}`;
  if (text !== null) {
    headers["content-type"] = "application/json";
    headers["content-length"] = Buffer.byteLength(text);
  }
  const signal = asked.stop === null ? {} : { signal: asked.stop };
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, method: asked.method, path: asked.path, headers, agent: false, ...signal }, (response) => {
      sent.setTimeout(0);
      resolve(response);
    });
    if (asked.limitMs !== null) sent.setTimeout(asked.limitMs, () => sent.destroy(new Error(`no answer in ${asked.limitMs} ms`)));
    sent.on("error", reject);
    sent.end(text ?? undefined);
  });
}

function noDaemon(door: Door, why: string): Failure {
  return failure("daemon.silent", 4, `the daemon at ${door.host}:${door.port} does not answer: ${why}`, {
    hint: "`fb daemon status` says how it is, `fb daemon logs` what it did, `fb daemon restart` starts another",
  });
}
