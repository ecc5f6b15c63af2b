/** The far ends of ports, for tests: a device behind TCP, a pair of ptys by socat. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, realpathSync, rmSync, writeSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";

/** No step takes as long: what does hangs. */
const HANG_MS = 30_000;

const closing: (() => void)[] = [];
test.after(() => {
  for (const close of closing) close();
});

/** Something that is waited for by looking again at each change. */
class Waiting {
  private woken: (() => void)[] = [];

  wake(): void {
    for (const wake of this.woken.splice(0)) wake();
  }

  async when(is: () => boolean, told: () => string): Promise<void> {
    while (!is())
      await new Promise<void>((resolve, reject) => {
        const hang = setTimeout(() => reject(new Error(`waits in vain: ${told()}`)), HANG_MS);
        this.woken.push(() => {
          clearTimeout(hang);
          resolve();
        });
      });
  }
}

/** A device behind TCP: says `hello` when it is opened. */
export class TcpDevice {
  readonly port: number;
  received = Buffer.alloc(0);
  opened = 0;
  socket: Socket | null = null;
  private readonly server: Server;
  private readonly waiting = new Waiting();

  private constructor(server: Server, hello: string | Uint8Array) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    closing.push(() => this.close());
    server.on("connection", (socket) => {
      this.opened++;
      this.socket = socket;
      socket.on("data", (bytes) => {
        this.received = Buffer.concat([this.received, bytes]);
        this.waiting.wake();
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        if (this.socket === socket) this.socket = null;
        this.waiting.wake();
      });
      socket.write(hello);
      this.waiting.wake();
    });
  }

  static async open(hello: string | Uint8Array = "", port = 0): Promise<TcpDevice> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
    return new TcpDevice(server, hello);
  }

  get address(): string {
    return `socket://127.0.0.1:${this.port}`;
  }

  say(text: string | Uint8Array): void {
    this.socket?.write(text);
  }

  /** The device goes, its port with it. */
  close(): void {
    this.server.close();
    this.socket?.destroy();
  }

  when(is: () => boolean): Promise<void> {
    return this.waiting.when(is, () => `${this.opened} opened, received ${this.received.toString("latin1").slice(-200)}`);
  }

  async receives(text: string): Promise<void> {
    await this.when(() => this.received.includes(text));
  }
}

export const hasSocat = spawnSync("socat", ["-V"]).status === 0;
if (!hasSocat) process.stdout.write("(no socat here: the tests of ptys are left out)\n");

/** Two ptys joined: what is written to one comes from the other. `device` is what fb opens. */
export class Ptys {
  readonly device: string;
  readonly far: string;
  private readonly socat: ChildProcess;
  private readonly folder: string;

  private constructor(folder: string, socat: ChildProcess) {
    this.folder = folder;
    this.socat = socat;
    this.device = join(folder, "device");
    this.far = join(folder, "far");
    closing.push(() => this.close());
  }

  /** folder: where the device was before, to come back under its name. */
  static async open(folder = realpathSync(mkdtempSync(join(tmpdir(), "fb-pty-")))): Promise<Ptys> {
    const ends = ["device", "far"].map((name) => `pty,rawer,link=${join(folder, name)}`);
    const socat = spawn("socat", ["-d", "-d", ...ends], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    await new Promise<void>((resolve, reject) => {
      socat.stderr?.on("data", (d) => {
        said += d;
        if (said.includes("starting data transfer")) resolve();
      });
      socat.on("exit", () => reject(new Error(said)));
    });
    return new Ptys(folder, socat);
  }

  get place(): string {
    return this.folder;
  }

  say(text: string | Uint8Array): void {
    // Not as this process's own terminal, whose end would be its end.
    const fd = openSync(this.far, constants.O_RDWR | constants.O_NOCTTY);
    const bytes = Buffer.from(text as string);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    closeSync(fd);
  }

  /** The device goes; its folder stays, for one that comes back. */
  async vanish(): Promise<void> {
    if (this.socat.exitCode !== null || this.socat.signalCode !== null) return;
    const gone = new Promise((resolve) => this.socat.on("exit", resolve));
    this.socat.kill("SIGKILL");
    await gone;
    rmSync(this.device, { force: true });
    rmSync(this.far, { force: true });
  }

  close(): void {
    this.socat.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
