/**
 * Over the air to a board that runs ArduinoOTA (`fb tool espota`), by the protocol of the core's tools/espota.py and its library ArduinoOTA:
 *
 *   us   UDP  "COMMAND PORT SIZE MD5\n"        COMMAND: 0 the program, 100 the file system; PORT: where we wait by TCP
 *   it   UDP  "AUTH NONCE"                     where it has a password; else at once
 *   us   UDP  "200 CNONCE ANSWER\n"            ANSWER: md5 of "md5(password):NONCE:CNONCE"
 *   it   UDP  "OK", "ERR: …" or "Authentication Failed"
 *   it   TCP  connects; for each piece that we send a number, at the end "OK" or "ERROR…"
 */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import type { InnerUpload } from "./inner.ts";

const PROGRAM = 0;
const FILE_SYSTEM = 100;
const AUTHENTICATE = 200;
/** ArduinoOTA's. */
const DEVICE_PORT = 8266;
/** What espota.py sends at once. */
const PIECE = 1460;
const ANSWER_MS = 10_000;
/** A lost datagram is sent again. */
const AGAIN_MS = 2500;
/** The board checks and copies what it has. */
const RESULT_MS = 60_000;

interface Wanted {
  readonly host: string;
  readonly port: number;
  /** Where we wait: "" and 0 for any. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly password: string;
  readonly file: string;
  readonly command: number;
}

/** espota.py's options, long and short, that take a word; the others change only what it prints. */
const WITH_WORD: Readonly<Record<string, string>> = { i: "ip", I: "host_ip", p: "port", P: "host_port", a: "auth", f: "file" };
const ALONE: Readonly<Record<string, string>> = { s: "spiffs", d: "debug", r: "progress" };

/** null: a word that espota does not know, or no host or file. */
function wantedOf(args: readonly string[]): Wanted | null {
  const said = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [, long, short, value] = /^(?:--(\w+)|-(\w))=?(.*)$/s.exec(args[i] ?? "") ?? [];
    const name = long ?? WITH_WORD[short ?? ""] ?? ALONE[short ?? ""] ?? "";
    if (Object.values(ALONE).includes(name)) said.set(name, "");
    else if (Object.values(WITH_WORD).includes(name)) said.set(name, value !== undefined && value !== "" ? value : (args[++i] ?? ""));
    else return null;
  }
  const text = (name: string) => said.get(name) ?? "";
  const port = (name: string, otherwise: number) => (said.has(name) ? Number(text(name)) : otherwise);
  const wanted = { host: text("ip").replaceAll('"', ""), hostIp: text("host_ip"), password: text("auth"), file: text("file") };
  const ports = { port: port("port", DEVICE_PORT), hostPort: port("host_port", 0) };
  if (wanted.host === "" || wanted.file === "" || Object.values(ports).some((each) => !(each >= 0 && each < 65536))) return null;
  return { ...wanted, ...ports, command: said.has("spiffs") ? FILE_SYSTEM : PROGRAM };
}

function md5(data: Uint8Array | string): string {
  return createHash("md5").update(data).digest("hex");
}

/** Failures (exit 5): `ota.host`, `ota.no-answer`, `ota.refused`, `ota.password`, `ota.no-connection`, `ota.lost`, `ota.failed`; 3: `ota.options`. */
export const espota: InnerUpload = async (args, { folder, stop, patience, onProgress }) => {
  const wanted = wantedOf(args);
  if (wanted === null) {
    const hint = "upload_flags are those of espota.py: --port=8266 --auth=PASSWORD --host_port=PORT --host_ip=ADDRESS";
    return fail(failure("ota.options", 3, `espota does not understand: ${args.join(" ")}`, { file: "platformio.ini", hint }));
  }
  const image = readFileSync(join(folder, wanted.file));
  const address = await lookup(wanted.host, 4).catch(() => null);
  if (address === null) {
    const hint = "its IP address as upload_port always works; names that end in .local need mDNS on this machine";
    return fail(bad("ota.host", `${wanted.host}: no such host`, hint));
  }
  const server = createServer();
  try {
    const port = await listen(server, wanted);
    if (!port.ok) return port;
    const board = connection(server);
    const invited = await invite(wanted, address.address, image, port.value, board, stop, patience);
    if (!invited.ok) return invited;
    const socket = await within(board, ANSWER_MS * patience, stop);
    if (socket === null) {
      const hint = `it reaches this machine by TCP, port ${port.value}: a firewall here may be in the way (--host_port=PORT in upload_flags is one that you can open)`;
      return fail(bad("ota.no-connection", `${wanted.host} answered, but did not connect to this machine`, hint));
    }
    return await send(wanted.host, socket, image, stop, patience, onProgress);
  } finally {
    server.close();
  }
};

function bad(code: string, message: string, hint: string): Failure {
  return failure(code, 5, message, { hint });
}

/** The port that the board connects to. */
function listen(server: Server, { hostIp, hostPort }: Wanted): Promise<Result<number>> {
  return new Promise((resolve) => {
    server.once("error", (error) =>
      resolve(
        fail(
          bad(
            "ota.no-connection",
            `cannot wait for the board on port ${hostPort}: ${error.message}`,
            "another --host_port in upload_flags",
          ),
        ),
      ),
    );
    server.listen(hostPort, hostIp === "" ? "0.0.0.0" : hostIp, () => {
      const at = server.address();
      resolve(ok(typeof at === "object" && at !== null ? at.port : hostPort));
    });
  });
}

function connection(server: Server): Promise<Socket> {
  return new Promise((resolve) => {
    server.once("connection", resolve);
  });
}

/** null: not within this time, or stopped. */
function within<T>(work: Promise<T>, ms: number, stop: AbortSignal): Promise<T | null> {
  return new Promise((resolve) => {
    const end = (value: T | null) => {
      clearTimeout(late);
      stop.removeEventListener("abort", onStop);
      resolve(value);
    };
    const onStop = () => end(null);
    const late = setTimeout(onStop, ms);
    stop.addEventListener("abort", onStop);
    if (stop.aborted) onStop();
    void work.then(end);
  });
}

/** Until the board says OK, or connects, which says the same. */
async function invite(
  { host, port, command, password, file }: Wanted,
  address: string,
  image: Uint8Array,
  ours: number,
  board: Promise<Socket>,
  stop: AbortSignal,
  patience: number,
): Promise<Result<null>> {
  const udp = createSocket("udp4");
  const answers: string[] = [];
  let heard = () => {};
  udp.on("message", (data, from) => {
    if (from.address === address) answers.push(data.toString("latin1").replace(/\0+$/, ""));
    heard();
  });
  // A port where nobody is may say so; that is no answer either.
  udp.on("error", () => {});
  const next = () =>
    new Promise<string>((resolve) => {
      heard = () => {
        const first = answers.shift();
        if (first !== undefined) resolve(first);
      };
      heard();
    });
  const sum = md5(image);
  const ask = async (text: string): Promise<string | null> => {
    const answer = Promise.race([next(), board.then(() => "OK")]);
    const say = () => udp.send(text, port, address);
    say();
    const again = setInterval(say, AGAIN_MS * patience);
    try {
      return await within(answer, ANSWER_MS * patience, stop);
    } finally {
      clearInterval(again);
    }
  };
  try {
    let said = await ask(`${command} ${ours} ${image.length} ${sum}\n`);
    const nonce = /^AUTH (\S+)/.exec(said ?? "")?.[1];
    if (nonce !== undefined) {
      const cnonce = md5(`${file}${image.length}${sum}${host}`);
      said = await ask(`${AUTHENTICATE} ${cnonce} ${md5(`${md5(password)}:${nonce}:${cnonce}`)}\n`);
      if (said?.startsWith("Auth")) {
        const hint =
          password === "" ? "set it: upload_flags = --auth=PASSWORD" : "what upload_flags has as --auth is another than the board's";
        return fail(bad("ota.password", `${host} wants ${password === "" ? "a" : "another"} password`, hint));
      }
    }
    if (said === "OK") return ok(null);
    if (said === null) {
      const hint = "is it on, in this network, and does its program run ArduinoOTA.handle()? Another port: upload_flags = --port=PORT";
      return fail(bad("ota.no-answer", `${host} does not answer on port ${port}`, hint));
    }
    const hint = "a program that is too large for what is free beside the present one, or flash settings of another board";
    return fail(bad("ota.refused", `${host} refused the update: ${said}`, hint));
  } finally {
    udp.close();
  }
}

async function send(
  host: string,
  socket: Socket,
  image: Uint8Array,
  stop: AbortSignal,
  patience: number,
  onProgress: (phase: string, percent: number) => void,
): Promise<Result<string>> {
  let said = "";
  let heard = () => {};
  socket.setEncoding("latin1").on("data", (text: string) => {
    said += text;
    heard();
  });
  let ended = false;
  const onEnd = () => {
    ended = true;
    heard();
  };
  socket.on("error", onEnd).on("close", onEnd);
  stop.addEventListener("abort", onEnd, { once: true });
  const until = (is: () => boolean, ms: number) =>
    within(
      new Promise<true>((resolve) => {
        heard = () => {
          if (is() || ended) resolve(true);
        };
        heard();
      }),
      ms * patience,
      stop,
    );
  // Both answers have an O; only that of an error has an E.
  const isOver = () => /[OE]/.test(said);
  try {
    for (let at = 0; at < image.length && !isOver(); at += PIECE) {
      const before = said.length;
      socket.write(image.subarray(at, at + PIECE));
      await until(() => said.length > before, ANSWER_MS);
      if (said.length === before) return fail(lost(host, at, image.length));
      onProgress("writing", Math.min(100, ((at + PIECE) / image.length) * 100));
    }
    await until(isOver, RESULT_MS);
    if (said.includes("E")) {
      const hint = "the board keeps the program that it had; what it says comes from its Update library";
      return fail(bad("ota.failed", `${host} did not take the update: ${said.replace(/^\d+/, "").trim()}`, hint));
    }
    return said.includes("O") ? ok(`${host} has it: ${image.length} bytes\n`) : fail(lost(host, image.length, image.length));
  } finally {
    stop.removeEventListener("abort", onEnd);
    socket.destroy();
  }
}

function lost(host: string, at: number, all: number): Failure {
  const hint = "its power and its distance to the access point; it keeps the program that it had: flash it again";
  return bad("ota.lost", `${host} went silent after ${at} of ${all} bytes`, hint);
}
