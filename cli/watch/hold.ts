/**
 * What `fb watch` knows of the boards that it watches: which image each has by its own verified flash, and whether it has had the device without a break since then. Only
 * while that holds is a flash of the same image left out: a board that went, or that somebody else had meanwhile, may be another one, or have another program.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ActionSpec, Digest } from "../../engine/types.ts";
import { hashing } from "../host/hash.ts";

/** What a run asks of whoever watches its boards. */
export interface FlashHold {
  /** What a flash would write is there already. */
  has(flash: ActionSpec): boolean;
  /** A device is about to be changed: that the monitor loses its port now is no break. */
  begins(change: ActionSpec): void;
  /** done: it was written and verified. */
  ends(change: ActionSpec, done: boolean): void;
}

interface Had {
  readonly action: string;
  readonly image: Digest;
}

export class WatchHold implements FlashHold {
  private readonly folder: string;
  /** Env → what its board has. */
  private readonly had = new Map<string, Had>();
  /** Envs whose boards are being changed by this process. */
  private readonly changing = new Map<string, Digest | null>();
  /** Envs that were flashed by several actions: of their boards one at most is watched. */
  private readonly several = new Set<string>();
  private readonly flashed: (env: string, profile: string) => void;

  /** flashed: an env's board has just been written. */
  constructor(folder: string, flashed: (env: string, profile: string) => void) {
    this.folder = folder;
    this.flashed = flashed;
  }

  has(flash: ActionSpec): boolean {
    const had = this.had.get(flash.env);
    return flash.kind === "flash" && had?.action === flash.name && had.image === this.imageOf(flash) && !this.several.has(flash.env);
  }

  begins(change: ActionSpec): void {
    if (this.changing.has(change.env)) this.several.add(change.env);
    // Before the tool reads it, as the file may change while it does.
    this.changing.set(change.env, this.imageOf(change));
    this.had.delete(change.env);
  }

  ends(change: ActionSpec, done: boolean): void {
    const image = this.changing.get(change.env) ?? null;
    this.changing.delete(change.env);
    if (!done) return;
    if (change.kind === "flash" && image !== null && image === this.imageOf(change))
      this.had.set(change.env, { action: change.name, image });
    this.flashed(change.env, change.profile);
  }

  /** The device went, or somebody has it. */
  broken(env: string): void {
    if (!this.changing.has(env)) this.had.delete(env);
  }

  private imageOf({ inputs }: ActionSpec): Digest | null {
    const [image] = inputs;
    if (image === undefined) return null;
    try {
      return hashing.sha256(readFileSync(join(this.folder, image.path)));
    } catch {
      return null;
    }
  }
}
