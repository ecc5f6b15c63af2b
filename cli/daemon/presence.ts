/** Which clients are here: each by its own name, with as many sockets as it likes. With the last of them it is gone, and its leases with it. */

export class Presence {
  readonly #sockets = new Map<string, number>();
  readonly #gone: (client: string) => void;

  constructor(gone: (client: string) => void) {
    this.#gone = gone;
  }

  get count(): number {
    return this.#sockets.size;
  }

  has(client: string): boolean {
    return this.#sockets.has(client);
  }

  /** One more socket of a client; the answer is called when it closes. */
  enter(client: string): () => void {
    this.#sockets.set(client, (this.#sockets.get(client) ?? 0) + 1);
    let here = true;
    return () => {
      if (!here) return;
      here = false;
      const left = (this.#sockets.get(client) ?? 1) - 1;
      if (left > 0) return void this.#sockets.set(client, left);
      this.#sockets.delete(client);
      this.#gone(client);
    };
  }
}
