/** A small terminal: enough of ECMA-48 to see what the display leaves on a screen. Rows that scroll out at the top are kept. */
export class Screen {
  private readonly scrolled: string[][] = [];
  /** Rows that go on with the line of the row before. */
  private readonly wrapped = new WeakSet<string[]>();
  private readonly columns: number;
  private readonly rows: number;
  private grid: string[][] = [[]];
  private x = 0;
  private y = 0;
  /** What this terminal does not know: the display has no business to send it. */
  readonly unknown: string[] = [];

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    const parts = text.matchAll(/\x1b\[([0-?]*)([@-~])|[\x00-\x1f]|[^\x00-\x1f]/gu);
    for (const [part, parameters, final] of parts) {
      if (final !== undefined) this.control(parameters ?? "", final);
      else if (part === "\n") this.newLine();
      else if (part === "\r") this.x = 0;
      else if (part < " ") this.unknown.push(JSON.stringify(part));
      else this.put(part);
    }
  }

  /** All lines there are, with what scrolled away, long ones joined again, without trailing blanks. */
  lines(): string[] {
    const all: string[] = [];
    for (const row of [...this.scrolled, ...this.grid]) {
      if (this.wrapped.has(row)) all.push((all.pop() ?? "") + row.join(""));
      else all.push(row.join("").trimEnd());
    }
    while (all.at(-1) === "") all.pop();
    return all;
  }

  visible(): string[] {
    return this.grid.map((row) => row.join("").trimEnd());
  }

  private control(parameters: string, final: string): void {
    const n = Number(parameters || "1");
    if (final === "A") this.y = Math.max(0, this.y - n);
    else if (final === "K" && parameters === "2") this.row().length = 0;
    else if (final === "K" && parameters === "") this.row().length = Math.min(this.row().length, this.x);
    else if (final === "J" && parameters === "") {
      this.row().length = Math.min(this.row().length, this.x);
      this.grid.length = this.y + 1;
    } else if (final !== "m") this.unknown.push(`CSI ${parameters}${final}`);
  }

  private row(): string[] {
    let row = this.grid[this.y];
    if (row === undefined) {
      row = [];
      this.grid[this.y] = row;
    }
    return row;
  }

  private put(character: string): void {
    if (this.x >= this.columns) {
      this.newLine();
      this.wrapped.add(this.row());
    }
    const row = this.row();
    while (row.length < this.x) row.push(" ");
    row[this.x++] = character;
  }

  private newLine(): void {
    this.x = 0;
    this.y++;
    this.row();
    if (this.grid.length > this.rows) {
      this.scrolled.push(this.grid.shift() ?? []);
      this.y--;
    }
  }
}
