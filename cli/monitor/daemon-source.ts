/** A port watched through the daemon that holds it. A daemon that dies is replaced by another one, as a device that goes is waited for. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { type AttachFaces, type Attached, connectDaemon, type DaemonClient } from "../daemon/client.ts";
import { addressText } from "../device/address.ts";
import type { Chosen } from "../device/choose.ts";
import type { LineChange, SerialSettings } from "../device/connection.ts";
import type { Source, SourceFaces, SourceOptions } from "./source.ts";

interface Wanted {
  readonly address: Chosen["address"];
  readonly settings: SerialSettings;
  readonly options: SourceOptions;
}

export class DaemonSource implements Source {
  device = "";
  readonly #wanted: Wanted;
  readonly #faces: SourceFaces;
  #daemon: DaemonClient | null = null;
  /** Null while there is no daemon. */
  #attached: Attached | null = null;
  /** Ends the patience with what is away. */
  #timer: NodeJS.Timeout | null = null;
  #over = false;

  private constructor(wanted: Wanted, faces: SourceFaces) {
    this.#wanted = wanted;
    this.#faces = faces;
  }

  /** Failure (exit 5): the port does not open. */
  static async open(
    daemon: DaemonClient,
    address: Chosen["address"],
    settings: SerialSettings,
    options: SourceOptions,
    faces: SourceFaces,
  ): Promise<Result<Source>> {
    const source = new DaemonSource({ address, settings, options }, faces);
    const attached = await source.#attach(daemon);
    return attached.ok ? ok(source) : attached;
  }

  async #attach(daemon: DaemonClient): Promise<Result<null>> {
    for (const note of daemon.notes) this.#faces.note(note);
    const { address, settings } = this.#wanted;
    const attached = await daemon.attach(address, settings, this.#heard());
    if (!attached.ok) {
      await daemon.close();
      return attached;
    }
    this.#daemon = daemon;
    this.#attached = attached.value;
    this.device = address.is === "sim" ? addressText(address) : attached.value.port;
    return ok(null);
  }

  #heard(): AttachFaces {
    const faces = this.#faces;
    return {
      data: (bytes) => faces.data(bytes),
      preempted: (reason, by) => {
        this.#back();
        faces.preempted(by, reason);
      },
      lost: (why) => this.#away(why),
      reconnected: () => {
        this.#back();
        faces.reconnected();
      },
      ended: (why) => {
        this.#back();
        if (why === null) return;
        if (why.code === "daemon.died" && this.#wanted.options.reconnect) void this.#anew(why);
        else this.#giveUp(why);
      },
    };
  }

  #away(why: Failure): void {
    const { reconnect, patience } = this.#wanted.options;
    if (!reconnect) return this.#giveUp(why);
    if (patience !== null) this.#timer ??= setTimeout(() => this.#giveUp(why), patience * 1000);
    this.#faces.lost(why);
  }

  #back(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #giveUp(why: Failure): void {
    if (this.#over) return;
    this.#over = true;
    this.#faces.ended(why);
  }

  /** By another daemon, which is started if none has been meanwhile. */
  async #anew(why: Failure): Promise<void> {
    if (this.#over) return;
    this.#attached = null;
    this.#away(why);
    const daemon = await connectDaemon({ start: true });
    const again = daemon.ok ? await this.#attach(daemon.value) : daemon;
    if (this.#over) return this.#leave();
    this.#back();
    if (again.ok) this.#faces.reconnected();
    else this.#giveUp(again.failure);
  }

  async write(bytes: Uint8Array): Promise<Result<number>> {
    return this.#attached === null
      ? fail(failure("device.away", 5, `${this.device}: another daemon is being started`))
      : this.#attached.write(bytes);
  }

  async signals(lines: LineChange): Promise<void> {
    await this.#attached?.signals(lines);
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#back();
    await this.#leave();
  }

  async #leave(): Promise<void> {
    await this.#attached?.detach();
    await this.#daemon?.close();
  }
}
