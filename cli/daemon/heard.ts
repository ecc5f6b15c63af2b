/** What a script's monitor has heard: lines for who iterates, and lines, begun ones too, for who expects one. */

/** Lines that wait for somebody to take them. */
const WAITING = 10_000;
/** A line that does not end is cut into pieces of so many characters. */
const LONGEST = 64 * 1024;

export class Heard {
  dropped = 0;
  #queue: string[] = [];
  /** Lines since the last match. */
  #unmatched: string[] = [];
  #partial = "";
  /** A match in the line that has begun counts once: so far it has been looked at. */
  #matchedPartial = 0;
  readonly #decoder = new TextDecoder();
  #over: { readonly why: Error | null } | null = null;
  #woken: (() => void)[] = [];

  push(bytes: Uint8Array): void {
    const parts = (this.#partial + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#partial = parts.pop() ?? "";
    for (const part of parts) this.#line(part.endsWith("\r") ? part.slice(0, -1) : part);
    while (this.#partial.length > LONGEST) {
      const piece = this.#partial.slice(0, LONGEST);
      this.#partial = this.#partial.slice(LONGEST);
      this.#line(piece);
    }
    this.#wake();
  }

  #line(line: string): void {
    this.#queue.push(line);
    if (this.#queue.length > WAITING) {
      this.#queue.shift();
      this.dropped++;
    }
    this.#unmatched.push(line.slice(this.#matchedPartial));
    this.#matchedPartial = 0;
    if (this.#unmatched.length > WAITING) this.#unmatched.shift();
  }

  /** No more comes; why: what iterating and expecting throw. */
  end(why: Error | null): void {
    this.#over ??= { why };
    this.#wake();
  }

  /** The last line, whole or begun. */
  get last(): string {
    return this.#partial !== "" ? this.#partial : (this.#unmatched.at(-1) ?? "");
  }

  async *lines(): AsyncGenerator<string> {
    for (;;) {
      const line = this.#queue.shift();
      if (line !== undefined) {
        yield line;
        continue;
      }
      if (this.#over !== null) {
        if (this.#partial !== "") {
          const rest = this.#partial;
          this.#partial = "";
          yield rest;
        }
        if (this.#over.why !== null) throw this.#over.why;
        return;
      }
      await this.#next(null);
    }
  }

  /** The first line that matches, and all before it are done with. timeout: seconds. */
  async expect(re: RegExp, timeout: number | undefined, late: () => Error): Promise<RegExpExecArray> {
    const until = timeout === undefined ? null : performance.now() + timeout * 1000;
    for (;;) {
      const found = this.#match(re);
      if (found !== null) return found;
      if (this.#over !== null) throw this.#over.why ?? new Error("the monitor was detached");
      if (until !== null && performance.now() >= until) throw late();
      await this.#next(until);
    }
  }

  #match(re: RegExp): RegExpExecArray | null {
    for (const [i, line] of this.#unmatched.entries()) {
      const found = re.exec(line);
      if (found === null) continue;
      this.#unmatched.splice(0, i + 1);
      return found;
    }
    const found = re.exec(this.#partial.slice(this.#matchedPartial));
    if (found === null) return null;
    this.#unmatched = [];
    this.#matchedPartial += found.index + found[0].length;
    return found;
  }

  #wake(): void {
    for (const wake of this.#woken.splice(0)) wake();
  }

  #next(until: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = until === null ? null : setTimeout(resolve, Math.max(1, until - performance.now()));
      this.#woken.push(() => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      });
    });
  }
}
