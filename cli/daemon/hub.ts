/** All serial sessions of the daemon, one a device. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import type { SerialSettings } from "../device/connection.ts";
import { Channel, type Pause, type Place } from "./channel.ts";

export class Hub {
  readonly #channels = new Map<string, Channel>();
  /** Devices that are given away. */
  readonly #pauses = new Map<string, Pause>();
  /** What a device's last session still does: the next one opens after it. */
  readonly #closing = new Map<string, Promise<void>>();
  readonly #turns = new Map<string, Promise<void>>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  all(): Channel[] {
    return [...this.#channels.values()];
  }

  of(device: string): Channel | null {
    return this.#channels.get(device) ?? null;
  }

  byId(session: string): Channel | null {
    return this.all().find((c) => c.id === session) ?? null;
  }

  /** The device's session; enter: called with it at once when it is ready, adds who watches. Failure (exit 5): the port does not open, or is open with other settings. */
  async open(place: Place, settings: SerialSettings, ifNeeded: boolean, enter: (channel: Channel) => void): Promise<Result<Channel>> {
    await this.#closing.get(place.id);
    const there = this.#channels.get(place.id);
    if (there === undefined && !ifNeeded)
      return fail(failure("device.closed", 5, `${place.name} is not open`, { hint: "open_if_needed opens it" }));
    if (there !== undefined && !sameSettings(there.settings, settings)) {
      if (there.watchers.size + there.coming > 0)
        return fail(
          failure(
            "device.other-settings",
            5,
            `${place.name} is open at ${settingsText(there.settings)}, not at ${settingsText(settings)}`,
            {
              hint: `who watches it has to end first: ${[...there.watchers].map((w) => w.client).join(", ")}`,
            },
          ),
        );
      await this.#close(there);
      return this.open(place, settings, true, enter);
    }
    const channel = there ?? new Channel(place, settings, this.#pauses.get(place.id) ?? null, (c) => this.#forget(c));
    this.#channels.set(place.id, channel);
    channel.coming++;
    const ready = await channel.ready();
    channel.coming--;
    if (!ready.ok) {
      channel.end(ready.failure);
      return ready;
    }
    if (channel.ended) return this.open(place, settings, ifNeeded, enter);
    enter(channel);
    this.#changed();
    return ok(channel);
  }

  /** Closes a session that nobody watches; its port is free when this settles. */
  async left(channel: Channel): Promise<void> {
    this.#changed();
    if (channel.watchers.size + channel.coming === 0) await this.#close(channel);
  }

  /** Gives a device's port away, until it is taken back; it is free when this settles. */
  give(device: string, pause: Pause): Promise<void> {
    return this.#inTurn(device, async () => {
      this.#pauses.set(device, pause);
      await this.#closing.get(device);
      await this.#channels.get(device)?.give(pause);
      this.#changed();
    });
  }

  takeBack(device: string): Promise<void> {
    return this.#inTurn(device, async () => {
      this.#pauses.delete(device);
      await this.#channels.get(device)?.takeBack();
      this.#changed();
    });
  }

  /** Giving and taking back, one after the other: who is given a port may be gone before it is free. */
  #inTurn(device: string, what: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(device) ?? Promise.resolve()).then(what);
    const done = turn.catch(() => {});
    this.#turns.set(device, done);
    void done.then(() => {
      if (this.#turns.get(device) === done) this.#turns.delete(device);
    });
    return turn;
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((channel) => this.#close(channel)));
  }

  async #close(channel: Channel): Promise<void> {
    const { id } = channel.place;
    const closing = channel.close();
    this.#forget(channel);
    this.#closing.set(id, closing);
    await closing;
    if (this.#closing.get(id) === closing) this.#closing.delete(id);
  }

  #forget(channel: Channel): void {
    if (this.#channels.get(channel.place.id) === channel) this.#channels.delete(channel.place.id);
    this.#changed();
  }
}

function sameSettings(a: SerialSettings, b: SerialSettings): boolean {
  return settingsText(a) === settingsText(b);
}

function settingsText({ baud, dataBits, parity, stopBits, rtscts, xonxoff }: SerialSettings): string {
  return `${baud} ${dataBits}${parity[0]?.toUpperCase()}${stopBits}${rtscts ? " RTS/CTS" : ""}${xonxoff ? " XON/XOFF" : ""}`;
}
