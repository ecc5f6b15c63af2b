/**
 * What `import { SerialMonitor, Daemon } from "fb"` is: boards for Node scripts. Failures are thrown as FbError; times are seconds. docs/devices.md explains it with examples.
 */

/** What fb says when something fails. exit: the exit code that `fb` would have ended with: 2 usage, 4 the daemon, 5 a device. */
export interface FbError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly exit: number;
}
export declare const FbError: { new (message: string, code: string, hint: string, exit: number): FbError };

export interface MonitorOptions {
  /** 115200 if not said. */
  readonly baudRate?: number;
  readonly dataBits?: 5 | 6 | 7 | 8;
  readonly parity?: "none" | "even" | "odd" | "mark" | "space";
  readonly stopBits?: 1 | 1.5 | 2;
  readonly rtscts?: boolean;
  readonly xonxoff?: boolean;
  /** The level of the line while it is open; as opening makes it if not said. */
  readonly dtr?: boolean;
  readonly rts?: boolean;
  /** Others are told: "monitor" if not said. */
  readonly description?: string;
  /** What happens to the port meanwhile. */
  readonly onEvent?: (event: MonitorEvent) => void;
}

export type MonitorEvent =
  /** Somebody else (a flash) has the port for a while. */
  | { readonly is: "preempted"; readonly reason: string; readonly by: string }
  /** The device is gone: unplugged, reset. */
  | { readonly is: "lost"; readonly message: string }
  | { readonly is: "reconnected"; readonly after: "preempted" | "lost" };

/** A port that is watched. Iterating gives its lines without their ends, from attaching on, until detach(); it throws where the port can not be had any more. */
export interface SerialMonitor extends AsyncIterable<string>, AsyncDisposable {
  /** The device's id, and the name of its port. */
  readonly device: string;
  readonly port: string;
  /** Lines that came and were dropped because nobody took them: 10,000 wait. */
  readonly dropped: number;
  /** Sends text (UTF-8) or bytes; resolves with their number when the port has taken them. */
  write(data: string | Uint8Array): Promise<number>;
  /**
   * Waits for a line, whole or begun, that matches: of those after the last match (at first, after attaching), so an answer that came before the call counts. Throws (code
   * `monitor.timeout`) after `timeout` seconds; without one it waits for ever. Iterating is not touched by it.
   */
  expect(pattern: RegExp | string, timeout?: number): Promise<RegExpExecArray>;
  signals(lines: { readonly dtr?: boolean; readonly rts?: boolean }): Promise<void>;
  /** The port is free afterwards, unless others watch it. */
  detach(): Promise<void>;
}
export declare const SerialMonitor: {
  /** port: an address (/dev/ttyACM0, COM3, socket://HOST:PORT, rfc2217://HOST:PORT, sim:uno) or a device's id. */
  attach(port: string, options?: MonitorOptions): Promise<SerialMonitor>;
};

export interface DeviceInfo {
  readonly id: string;
  readonly port: string;
  readonly vid: string | null;
  readonly pid: string | null;
  readonly serial: string | null;
  readonly description: string | null;
  readonly connected: boolean;
  readonly claims: readonly { readonly mode: "exclusive" | "monitor"; readonly holder: string; readonly since: string }[];
}

export interface LeaseOptions {
  /** Others are told: what for. */
  readonly description?: string;
  /** Exclusive if not said. */
  readonly mode?: "exclusive" | "monitor";
  /** Seconds after which it ends; else it ends with release() or this process. */
  readonly ttl?: number;
  /** Takes the device from whoever holds it, for this reason. */
  readonly takeover?: string;
}

export interface DeviceLease extends AsyncDisposable {
  readonly id: string;
  readonly device: string;
  /** What a tool opens. */
  readonly port: string;
  /** Resolves with the reason when it ends otherwise than by release(). */
  readonly lost: Promise<string>;
  release(): Promise<void>;
}

export interface BuildOptions {
  readonly projectDir: string;
  readonly environment?: string;
  readonly targets?: readonly string[];
  readonly profile?: "release" | "quick" | "debug";
  readonly jobs?: number;
  readonly clean?: boolean;
  readonly verbose?: boolean;
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** Each event of `fb run --json` as it comes. */
  readonly onEvent?: (event: { readonly type: string; readonly [name: string]: unknown }) => void;
}

export interface DeployOptions extends BuildOptions {
  readonly port?: string;
  /** Then watch what the board prints, until a pattern or the time decides. */
  readonly monitor?: {
    readonly timeout?: number;
    readonly expect?: string;
    readonly haltOnError?: string;
    readonly haltOnSuccess?: string;
  };
}

/** A build that fails is an answer, not an error. */
export interface BuildResult {
  readonly success: boolean;
  readonly exitCode: number;
  readonly message: string;
  /** The image that was made. */
  readonly outputFile: string | null;
}

/** fb's daemon on this machine. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  devices(): Promise<readonly DeviceInfo[]>;
  lease(device: string, options?: LeaseOptions): Promise<DeviceLease>;
  build(options: BuildOptions): Promise<BuildResult>;
  deploy(options: DeployOptions): Promise<BuildResult>;
  /** Ends all that this object holds; the daemon goes on. */
  close(): Promise<void>;
}
export declare const Daemon: {
  /** The daemon that runs; one is started where none does, unless start is false. */
  connect(options?: { readonly start?: boolean }): Promise<Daemon>;
};
