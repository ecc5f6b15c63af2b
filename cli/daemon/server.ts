/**
 * The daemon's door: HTTP and WebSocket on 127.0.0.1. Every request passes guard.ts first; what a route gets is a checked call. Errors are JSON:
 * {success: false, error, message}, with 400 for what does not read, 401/403/421 for who may not (guard.ts), 404, 405, 409 for conflicts, 413, 415, 431.
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { refusal } from "./guard.ts";
import type { Reply, Route } from "./route.ts";
import { refuse } from "./route.ts";
import { wrongWith } from "./schema.ts";

/** Bytes of a body, and of one message of a WebSocket. */
export const BODY_LIMIT = 1 << 20;
/** A request's headers, and its body, must have come by then. */
const REQUEST_MS = 30_000;
const CONNECTIONS = 1000;

/** What opens at a WebSocket's path. */
export interface SocketRoute {
  readonly path: string;
  readonly says: string;
  open(socket: WebSocket, params: Readonly<Record<string, string>>, query: Readonly<Record<string, string>>): void;
}

export interface DoorOptions {
  readonly port: number;
  readonly token: string;
  readonly routes: readonly Route[];
  readonly sockets: readonly SocketRoute[];
  /** A route threw: a bug, said in the log. */
  wrong(what: string, error: unknown): void;
}

export interface OpenDoor {
  readonly port: number;
  /** Open HTTP connections and WebSockets. */
  count(): number;
  /** Nobody new comes in; who is in is told and let go. */
  close(): Promise<void>;
}

/** Rejects when the port is taken (EADDRINUSE). Port 0 takes a free one. */
export async function openDoor(o: DoorOptions): Promise<OpenDoor> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: BODY_LIMIT, perMessageDeflate: false, clientTracking: true });
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: 5000, noDelay: true });
  server.maxConnections = CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(o.port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  server.on("request", (request, response) => void answer(o, port, request, response));
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const place = wayOf(request);
    const found = place === null ? null : match(o.sockets, place.path);
    const no = place === null ? { status: 400, message: "this is no path" } : guarded(o, port, request, place.query, false);
    if (no !== null) return turnAway(socket, no.status, no.message);
    if (found === null || place === null) return turnAway(socket, 404, "there is no such WebSocket; /openapi.json lists them");
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on("error", () => {});
      found.route.open(client, found.params, place.query);
    });
  });
  server.on("clientError", (error: Error & { readonly code?: string }, socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
    turnAway(socket, status, "this is no HTTP request that fb's daemon can read");
  });
  return { port, count: () => sockets.clients.size, close: () => close(server, sockets) };
}

async function close(server: Server, sockets: WebSocketServer): Promise<void> {
  for (const client of sockets.clients) client.close(1001, "the daemon ends");
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // Who does not take leave in this time has had its notice.
  const limit = setTimeout(() => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
  }, 300);
  await closed;
  clearTimeout(limit);
}

interface Way {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** Null: not a path (the absolute form that proxies take, "*"). */
function wayOf(request: IncomingMessage): Way | null {
  const address = request.url ?? "";
  if (!address.startsWith("/")) return null;
  const cut = address.indexOf("?");
  const path = cut < 0 ? address : address.slice(0, cut);
  const query = Object.create(null) as Record<string, string>;
  if (cut >= 0) for (const [name, value] of new URLSearchParams(address.slice(cut + 1))) query[name] = value;
  return { path, query };
}

function guarded(o: DoorOptions, port: number, request: IncomingMessage, query: Way["query"], open: boolean) {
  const { host, origin, authorization } = request.headers;
  return refusal({ host, origin, authorization, queryToken: query["token"] ?? null }, port, o.token, open);
}

/** The first route whose path fits, with what stands for its names. */
function match<R extends { readonly path: string }>(
  routes: readonly R[],
  path: string,
): { readonly route: R; readonly params: Readonly<Record<string, string>> } | null {
  const given = path.split("/");
  for (const route of routes) {
    const wanted = route.path.split("/");
    if (wanted.length !== given.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((part, i) => {
      const word = given[i] ?? "";
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      if (name === undefined) return part === word;
      const decoded = decoded1(word);
      if (decoded === null || decoded === "") return false;
      params[name] = decoded;
      return true;
    });
    if (fits) return { route, params };
  }
  return null;
}

function decoded1(word: string): string | null {
  try {
    return decodeURIComponent(word);
  } catch {
    return null;
  }
}

async function answer(o: DoorOptions, port: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  request.on("error", () => {});
  try {
    const replied = await replyTo(o, port, request, gone.signal);
    if (response.destroyed) return;
    if ("stream" in replied) return await replied.stream(response);
    send(request, response, replied.status, replied.body);
  } catch (error) {
    o.wrong(`${request.method} ${request.url?.split("?")[0]}`, error);
    if (!response.headersSent)
      send(request, response, 500, { success: false, error: "bug", message: "a bug in fb: its daemon's log has it" });
    else response.destroy();
  }
}

async function replyTo(o: DoorOptions, port: number, request: IncomingMessage, gone: AbortSignal): Promise<Reply> {
  const way = wayOf(request);
  if (way === null) return refuse(400, "path", "this is no path");
  // The first that fits: /api/devices/list is no device.
  const first = match(o.routes, way.path)?.route.path;
  const found = o.routes.filter((r) => r.path === first);
  const route = found.find((r) => r.method === request.method);
  const no = guarded(o, port, request, {}, route?.open === true);
  if (no !== null) return refuse(no.status, no.status === 401 ? "token" : no.status === 403 ? "origin" : "host", no.message);
  if (route === undefined) {
    if (found.length === 0) return refuse(404, "route", "there is no such route; /openapi.json lists them");
    const methods = found.map((r) => r.method).join(", ");
    return refuse(405, "method", `this route takes ${methods}`, { allow: methods });
  }
  const params = match([route], way.path)?.params ?? {};
  const body = await bodyOf(request, route);
  return "status" in body ? body : route.run({ params, query: way.query, body: body.value, gone });
}

async function bodyOf(
  request: IncomingMessage,
  route: Route,
): Promise<(Reply & { status: number }) | { readonly value: Readonly<Record<string, unknown>> }> {
  const no = (status: number, code: string, message: string) => ({ status, body: { success: false, error: code, message } });
  const tooLong = no(413, "length", `a body has at most ${BODY_LIMIT} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > BODY_LIMIT) return tooLong;
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > BODY_LIMIT) return tooLong;
      pieces.push(piece);
    }
  } catch {
    return no(400, "body", "the body broke off");
  }
  if (route.body === null) return { value: {} };
  const type = request.headers["content-type"];
  if (length > 0 && type !== undefined && !/^application\/json\s*(;|$)/i.test(type))
    return no(415, "type", `a body is application/json, not ${type.slice(0, 100)}`);
  let value: unknown = {};
  try {
    if (length > 0) value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces)));
  } catch (error) {
    return no(400, "json", `the body is no JSON: ${error instanceof Error ? error.message.slice(0, 200) : ""}`);
  }
  const wrong = wrongWith(value, route.body);
  if (wrong !== null) return no(400, "value", wrong);
  // wrongWith has seen that it is an object.
  return { value: Object.fromEntries(Object.entries(value as object).filter(([, one]) => one !== null)) };
}

function send(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`;
  const headers: Record<string, string | number> = {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
  };
  if (status === 405 && "allow" in body) headers["allow"] = String(body.allow);
  if (status === 401) headers["www-authenticate"] = "Bearer";
  // A body that was not read would be taken for the next request.
  if (!request.complete) headers["connection"] = "close";
  response.writeHead(status, { ...headers, "cache-control": "no-store", "x-content-type-options": "nosniff" });
  response.end(text);
}

/** An answer where there is no ServerResponse. */
function turnAway(socket: Duplex, status: number, message: string): void {
  const text = `${JSON.stringify({ success: false, error: "refused", message })}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}
