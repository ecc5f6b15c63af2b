/** A process that fetches: `FOLDER URL SHA256`; prints its progress, a number a line. */
import { fetchUrl } from "../../../cache/fetch/fetch.ts";
import { contextFor, network } from "./server.ts";

const [folder = "", url = "", sha256 = ""] = process.argv.slice(2);
const net = await network({}, { retries: [5, 10, 20], connectMs: 10_000, lookupMs: 4000, stallMs: 60_000 });
const got = await fetchUrl(
  { url, sha256, size: null, archive: true },
  contextFor(folder, net, { onProgress: (n) => process.stdout.write(`${n}\n`) }),
);
await net.close();
process.exitCode = got.ok ? 0 : 1;
