/** Certificates from the environment, straight and through a proxy's tunnel. tls-key.pem belongs to tls-cert.pem, which is good for these tests only. */
import { readFileSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fetchUrl } from "../../../cache/fetch/fetch.ts";
import { sha, temporary } from "../help.ts";
import { contextFor, network } from "./server.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const tls = { key: readFileSync(path("tls-key.pem")), cert: readFileSync(path("tls-cert.pem")) };

test("a certificate is trusted if the environment names it, else told and not tried again", async () => {
  let tunnels = 0;
  const server = createServer(tls, (_, r) => r.end("content"));
  const proxy = createPlain((_, r) => r.writeHead(400).end());
  // The tunnel's name does not resolve here: only the proxy knows it.
  proxy.on("connect", (request, socket, head) => {
    tunnels++;
    if (!(request.url ?? "").startsWith("files.invalid:")) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    const to = connect((server.address() as AddressInfo).port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      to.write(head);
      to.pipe(socket).pipe(to);
    });
    for (const end of [to, socket]) end.on("error", () => {});
  });
  for (const s of [server, proxy]) await new Promise<void>((resolve) => s.listen(0, "127.0.0.1", resolve));
  const port = (s: typeof proxy) => (s.address() as AddressInfo).port;
  const url = `https://127.0.0.1:${port(server)}/a`;
  const through = { https_proxy: `http://127.0.0.1:${port(proxy)}` };
  const certificate = path("tls-cert.pem");
  const table = [
    [url, {}, "fetch.certificate"],
    [url, { SSL_CERT_FILE: certificate }, null],
    [url, { NODE_EXTRA_CA_CERTS: certificate }, null],
    ["https://files.invalid/a", { ...through, SSL_CERT_FILE: certificate }, null],
    ["https://files.invalid/a", through, "fetch.certificate"],
    ["https://other.invalid/a", { ...through, SSL_CERT_FILE: certificate }, "fetch.denied"],
    ["https://files.invalid/a", { SSL_CERT_FILE: certificate }, "fetch.no-network"],
  ] as const;
  for (const [to, vars, code] of table) {
    const net = await network(vars);
    const retried: number[] = [];
    const request = { url: to, sha256: sha("content"), size: null, archive: false };
    const got = await fetchUrl(request, contextFor(temporary(), net, { onRetry: (_, ms) => retried.push(ms) }));
    assert.is(got.ok ? null : got.failure.code, code, `${to} ${JSON.stringify(vars)} ${got.ok ? "" : got.failure.message}`);
    assert.is(retried.length, 0);
    if (!got.ok && code === "fetch.certificate") assert.match(got.failure.hint, /SSL_CERT_FILE/);
    await net.close();
  }
  assert.is(tunnels, 3);
  for (const s of [server, proxy]) {
    s.closeAllConnections();
    await new Promise((resolve) => s.close(resolve));
  }
});

test.run();
