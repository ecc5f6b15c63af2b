/** Over the air, against a stand-in that answers as the library ArduinoOTA does: UDP and TCP of this machine, and boards that do not do their part. */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { espota } from "../../../cli/flash/espota.ts";
import { CUSTOM } from "../../../rules/uploads.ts";

const folder = mkdtempSync(join(tmpdir(), "fb-ota-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const md5 = (data: Uint8Array | string) => createHash("md5").update(data).digest("hex");
const IMAGE = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) & 255);
writeFileSync(join(folder, "firmware.bin"), IMAGE);

interface Behaviour {
  readonly password?: string;
  /** Datagrams that it does not hear first. */
  readonly deaf?: number;
  /** What it answers instead of OK. */
  readonly refuses?: string;
  readonly connects?: boolean;
  /** Bytes after which its connection goes. */
  readonly dies?: number;
  /** What it says at the end. */
  readonly ends?: string;
}

interface Board {
  readonly port: number;
  readonly heard: string[];
  readonly got: () => Buffer;
  close(): void;
}

async function board({ password = "", deaf = 0, refuses, connects = true, dies = Infinity, ends = "OK" }: Behaviour): Promise<Board> {
  const udp = createSocket("udp4");
  const heard: string[] = [];
  const pieces: Buffer[] = [];
  let socket: Socket | null = null;
  let invitation: string[] = [];
  udp.on("message", (data, from) => {
    const text = data.toString();
    heard.push(text);
    if (heard.length <= deaf) return;
    const say = (answer: string) => udp.send(answer, from.port, from.address);
    const words = text.trim().split(" ");
    if (words[0] === "200") {
      if (words[2] !== md5(`${md5(password)}:${md5("nonce")}:${words[1]}`)) return say("Authentication Failed");
    } else {
      invitation = words;
      if (password !== "") return say(`AUTH ${md5("nonce")}`);
    }
    if (refuses !== undefined) return say(refuses);
    say("OK");
    if (!connects) return;
    let all = 0;
    const tcp = connect(Number(invitation[1]), from.address);
    socket = tcp
      .on("error", () => {})
      .on("data", (piece: Buffer) => {
        pieces.push(piece);
        all += piece.length;
        if (all >= dies) return void tcp.destroy();
        tcp.write(String(piece.length));
        if (all === Number(invitation[2])) tcp.end(md5(Buffer.concat(pieces)) === invitation[3] ? ends : "ERROR[4]: MD5 mismatch");
      });
  });
  const port = await new Promise<number>((resolve) => udp.bind(0, "127.0.0.1", () => resolve(udp.address().port)));
  return {
    ...{ port, heard },
    got: () => Buffer.concat(pieces),
    close() {
      udp.close();
      socket?.destroy();
    },
  };
}

async function flash(behaviour: Behaviour, ...more: string[]) {
  const it = await board(behaviour);
  const progress: number[] = [];
  const around = {
    folder,
    stop: new AbortController().signal,
    uploader: CUSTOM,
    drives: () => [],
    patience: 0.05,
    onProgress: (_: string, percent: number) => progress.push(percent),
  };
  const done = await espota(["--ip", "127.0.0.1", "-p", String(it.port), "--file", "firmware.bin", ...more], around);
  it.close();
  return { done, progress, ...it };
}

function failed({ done }: Awaited<ReturnType<typeof flash>>): [string, number] | null {
  return done.ok ? null : [done.failure.code, done.failure.exit];
}

test("the program, and the image of the file system", async () => {
  const { done, got, heard, progress } = await flash({});
  assert.ok(done.ok, JSON.stringify(done));
  assert.is(md5(got()), md5(IMAGE));
  assert.match(heard[0] ?? "", new RegExp(`^0 \\d+ ${IMAGE.length} ${md5(IMAGE)}\n$`));
  assert.is(progress.at(-1), 100);
  assert.equal(
    progress,
    progress.toSorted((a, b) => a - b),
  );
  const files = await flash({}, "--spiffs", "--debug", "-r");
  assert.ok(files.done.ok);
  assert.match(files.heard[0] ?? "", /^100 /);
});

test("a password: the right one, none, another", async () => {
  assert.ok((await flash({ password: "secret" }, "--auth=secret")).done.ok);
  assert.equal(failed(await flash({ password: "secret" })), ["ota.password", 5]);
  assert.equal(failed(await flash({ password: "secret" }, "-a", "other")), ["ota.password", 5]);
});

test("a lost datagram is sent again", async () => {
  const { done, heard } = await flash({ deaf: 1 });
  assert.ok(done.ok);
  assert.is(heard[0], heard[1]);
});

test("what goes wrong has its cause", async () => {
  assert.equal(failed(await flash({ deaf: Infinity })), ["ota.no-answer", 5]);
  assert.equal(failed(await flash({ refuses: "ERR: ERROR[4]: Not Enough Space" })), ["ota.refused", 5]);
  assert.equal(failed(await flash({ connects: false })), ["ota.no-connection", 5]);
  assert.equal(failed(await flash({ dies: 3000 })), ["ota.lost", 5]);
  assert.equal(failed(await flash({ ends: "ERROR[9]: Update Failed" })), ["ota.failed", 5]);
  assert.equal(failed(await flash({}, "--ip", "a..b")), ["ota.host", 5]);
  assert.equal(failed(await flash({}, "--speed", "3")), ["ota.options", 3]);
});

test("stopped while nobody answers: at once", async () => {
  const it = await board({ deaf: Infinity });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const began = performance.now();
  const done = await espota(["-i", "127.0.0.1", "-p", String(it.port), "-f", "firmware.bin"], {
    folder,
    stop: stop.signal,
    uploader: CUSTOM,
    drives: () => [],
    patience: 1,
    onProgress() {},
  });
  it.close();
  assert.not.ok(done.ok);
  assert.ok(performance.now() - began < 5000, "a hang");
});

test.run();
