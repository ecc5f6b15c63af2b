/** What the page of `fb size` is given: written by cli/size/page.ts, read by cli/page/size/page.ts. */

export interface SizeData {
  readonly project: string;
  readonly programs: readonly ProgramData[];
}

export interface ProgramData {
  readonly env: string;
  /** The program's path. */
  readonly path: string;
  readonly flash: { readonly used: number; readonly total: number | null };
  readonly ram: { readonly used: number; readonly total: number | null };
  /** Sections of the program that count. */
  readonly sections: readonly { readonly name: string; readonly flash: boolean; readonly ram: boolean }[];
  /** The largest first. */
  readonly symbols: readonly {
    readonly name: string;
    readonly object: string;
    readonly library: string;
    readonly section: string;
    readonly bytes: number;
  }[];
  /** Object → who needed it, and what for. */
  readonly broughtBy: Readonly<Record<string, string>>;
  readonly versus: {
    readonly to: string;
    readonly flash: number;
    readonly ram: number;
    readonly libraries: readonly { readonly name: string; readonly flash: number; readonly ram: number }[];
    readonly symbols: readonly { readonly name: string; readonly object: string; readonly section: string; readonly bytes: number }[];
  } | null;
}
