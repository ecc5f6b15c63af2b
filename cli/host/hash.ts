/**
 * sha256 through node:crypto, behind the engine's interface.
 *
 * A key is fed some dozens of short strings. createHash pays about half a microsecond for each of them and several for itself, so strings are gathered and
 * hashed in one call; only long or binary input makes a stream.
 */
import * as crypto from "node:crypto";
import type { Digest, Hasher, Hashing } from "../../engine/types.ts";

/** Characters gathered before a stream is made. */
const GATHER = 1 << 16;

class Sha256 implements Hasher {
  #text = "";
  #stream: crypto.Hash | null = null;

  update(data: Uint8Array | string): void {
    if (typeof data === "string") {
      this.#text += data;
      if (this.#text.length > GATHER) this.#flush();
      return;
    }
    this.#flush().update(data);
  }

  digest(): Digest {
    return (this.#stream === null ? crypto.hash("sha256", this.#text, "hex") : this.#flush().digest("hex")) as Digest;
  }

  #flush(): crypto.Hash {
    this.#stream ??= crypto.createHash("sha256");
    if (this.#text !== "") this.#stream.update(this.#text);
    this.#text = "";
    return this.#stream;
  }
}

/** Strings are hashed as UTF-8. A hasher gives one digest, once. */
export const hashing: Hashing = {
  sha256: (data) => crypto.hash("sha256", data, "hex") as Digest,
  hasher: () => new Sha256(),
};
