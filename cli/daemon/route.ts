/** What a route of the daemon is: its address, what goes in and comes out, and what it does. */
import type { ServerResponse } from "node:http";
import type { JsonObject } from "./ask.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

/** One request, checked. */
export interface Call {
  /** What stands in the path for {name}. */
  readonly params: Readonly<Record<string, string>>;
  /** Names of the query with their last values. */
  readonly query: Readonly<Record<string, string>>;
  /** As the route's schema has it, without nulls; empty where there was none. */
  readonly body: JsonObject;
  /** Aborted when the client goes away before it has its answer. */
  readonly gone: AbortSignal;
}

/** A JSON object with its status, or what writes its own answer. */
export type Reply = { readonly status: number; readonly body: object } | { readonly stream: (response: ServerResponse) => Promise<void> };

export interface Route {
  readonly method: "GET" | "POST";
  /** As OpenAPI writes it: /api/devices/{id}. */
  readonly path: string;
  readonly says: string;
  /** Needs no token. */
  readonly open: boolean;
  /** Names of the query, each with what it is for. */
  readonly query: Readonly<Record<string, string>>;
  /** Null: a body is not looked at. */
  readonly body: ObjectSchema | null;
  /** Status → the answer's schema. Every route may also answer with an error. */
  readonly answers: Readonly<Record<number, Schema>>;
  run(call: Call): Reply | Promise<Reply>;
}

export function reply(body: object, status = 200): Reply {
  return { status, body };
}

/** code: as in docs/devices.md. */
export function refuse(status: number, code: string, message: string, more: object = {}): Reply {
  return { status, body: { success: false, error: code, message, ...more } };
}
