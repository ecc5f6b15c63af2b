/** The OpenAPI 3.1 document of the daemon: made of the routes themselves, so that it says what they check. */
import type { Route } from "./route.ts";
import { object, type Schema, text } from "./schema.ts";
import type { SocketRoute } from "./server.ts";

const ERROR: Schema = object({ success: { type: "boolean", description: "false" }, error: text("a code"), message: text("for people") });
const WHY: Readonly<Record<number, string>> = {
  400: "the body or the path does not read",
  401: "no token, or a wrong one",
  403: "a foreign Origin",
  404: "no such route, device, lease or session",
  409: "a conflict",
  413: "a body that is too long",
  415: "a body that is not application/json",
  421: "a foreign Host",
};

export function openapi(routes: readonly Route[], sockets: readonly SocketRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    Object.assign(paths[route.path] ?? {}, { [route.method.toLowerCase()]: operation(route) });
  }
  for (const { path, says } of sockets)
    paths[path] = {
      get: {
        summary: `WebSocket: ${says}`,
        parameters: pathParameters(path),
        responses: { 101: { description: "the WebSocket is open" }, ...errors([400, 401, 403, 404, 421]) },
      },
    };
  return {
    openapi: "3.1.0",
    info: {
      title: "fb's daemon",
      version,
      description:
        "Devices, leases and serial sessions of this machine. On 127.0.0.1 only; the port and the token are in daemon/state.json of fb's cache folder. A Host other than 127.0.0.1, localhost or [::1] with the port, and a foreign Origin, are refused.",
    },
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Error: ERROR },
    },
    security: [{ token: [] }],
    paths,
  };
}

function operation(route: Route): object {
  const answers = Object.entries(route.answers).map(([status, schema]) => [
    status,
    { description: WHY[Number(status)] ?? "done", content: { "application/json": { schema } } },
  ]);
  const query = Object.entries(route.query).map(([name, description]) => ({
    name,
    in: "query",
    required: false,
    description,
    schema: { type: "string" },
  }));
  return {
    summary: route.says,
    ...(route.open ? { security: [] } : {}),
    parameters: [...pathParameters(route.path), ...query],
    ...(route.body === null
      ? {}
      : { requestBody: { required: route.body.required.length > 0, content: { "application/json": { schema: route.body } } } }),
    responses: { ...errors([400, ...(route.open ? [] : [401]), 403, 404, 409, 413, 415, 421]), ...Object.fromEntries(answers) },
  };
}

function errors(codes: readonly number[]): object {
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };
  return Object.fromEntries(codes.map((code) => [code, { description: WHY[code] ?? "", content }]));
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: "path", required: true, schema: { type: "string" } }));
}
