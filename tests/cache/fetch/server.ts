/** A local HTTP server whose every answer a test writes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { defaultTiming, type Network, openNetwork } from "../../../cache/fetch/network.ts";
import type { FetchContext } from "../../../cache/fetch/request.ts";

export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export interface LocalServer {
  readonly base: string;
  /** `METHOD PATH RANGE`, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** @param answers by path */
export async function serve(answers: Readonly<Record<string, Answer>>): Promise<LocalServer> {
  const asked: string[] = [];
  const counts = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    const path = request.url ?? "";
    const count = counts.get(path) ?? 0;
    counts.set(path, count + 1);
    asked.push(`${path}${request.headers.range === undefined ? "" : ` ${request.headers.range}`}`);
    const answer = answers[path];
    if (answer === undefined) response.writeHead(404).end("no such file");
    else answer(request, response, count);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Waits are short, their number is the real one. */
export const quick = { ...defaultTiming, retries: [5, 10, 20], stallMs: 400 };

export async function network(vars: Record<string, string> = {}, timing = quick): Promise<Network> {
  const net = await openNetwork(vars, timing);
  if (!net.ok) throw new Error(net.failure.message);
  return net.value;
}

export function contextFor(downloads: string, net: Network | null, more: Partial<FetchContext> = {}): FetchContext {
  return { downloads, network: net, signal: null, onProgress: () => {}, onRetry: () => {}, ...more };
}
