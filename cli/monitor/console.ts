/** The keyboard of a monitor: what is typed goes to the device, but for Ctrl+C, which ends it, and Ctrl+T, after which a key is for fb (miniterm's keys). */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

export interface ConsoleFaces {
  /** For the device. "\n" is Enter. */
  text(text: string): void;
  /** Bytes for the device, as they are. */
  bytes(bytes: Uint8Array): void;
  /** interrupted: by Ctrl+C. */
  quit(interrupted: boolean): void;
  dtr(): void;
  rts(): void;
  echo(): void;
  stamps(): void;
  /** The next end of line of those that there are. */
  eol(): void;
  /** The line is broken for a moment. */
  brk(): void;
  encoding(name: string): void;
  baud(speed: string): void;
  info(): void;
  say(line: string): void;
  /** Keys that whoever runs the monitor added. */
  readonly more: ReadonlyMap<string, { readonly says: string; press(): void }>;
}

/** The part of process.stdin that is used. */
export interface Keyboard {
  readonly isTTY?: boolean;
  setRawMode?(on: boolean): unknown;
  on(event: "data", listener: (bytes: Buffer) => void): unknown;
  off(event: "data", listener: (bytes: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
  unref?(): unknown;
}

const CTRL_C = "\x03";
const CTRL_T = "\x14";
const CTRL_B = "\x02";

const HELP = [
  "Ctrl+C          quit",
  "Ctrl+T q        quit with the exit code that the patterns decide",
  "Ctrl+T h        this help",
  "Ctrl+T Ctrl+T   send Ctrl+T itself; Ctrl+T Ctrl+C sends Ctrl+C",
  "Ctrl+T d        DTR on or off",
  "Ctrl+T r        RTS on or off",
  "Ctrl+T e        show what is typed, or not",
  "Ctrl+T s        time stamps on or off",
  "Ctrl+T l        what Enter sends: CRLF, CR, LF in turn",
  "Ctrl+T a        another encoding",
  "Ctrl+T b        another baud rate",
  "Ctrl+T Ctrl+B   send a break",
  "Ctrl+T u        send a file",
  "Ctrl+T i        which port, which settings",
];

/** Reads keys, one by one where it is a terminal; what a pipe brings is sent as it is. Returns what ends it. */
export function openConsole(keyboard: Keyboard, faces: ConsoleFaces): () => void {
  const terminal = keyboard.isTTY === true;
  const keys = new Keys(faces);
  const decoder = new TextDecoder();
  const on = (bytes: Buffer) => {
    if (!terminal) return faces.text(decoder.decode(bytes, { stream: true }).replaceAll("\r\n", "\n"));
    for (const key of decoder.decode(bytes, { stream: true })) keys.press(key);
  };
  if (terminal) keyboard.setRawMode?.(true);
  keyboard.on("data", on);
  keyboard.resume();
  return () => {
    keyboard.off("data", on);
    if (terminal) keyboard.setRawMode?.(false);
    keyboard.pause();
    keyboard.unref?.();
  };
}

class Keys {
  private readonly faces: ConsoleFaces;
  private menu = false;
  /** What is being typed for a key of the menu, and who gets it. */
  private asked: { text: string; readonly done: (text: string) => void } | null = null;

  constructor(faces: ConsoleFaces) {
    this.faces = faces;
  }

  press(key: string): void {
    if (this.asked !== null) return this.typed(key, this.asked);
    if (this.menu) {
      this.menu = false;
      return this.chosen(key);
    }
    if (key === CTRL_C) return this.faces.quit(true);
    if (key === CTRL_T) {
      this.menu = true;
      return;
    }
    this.faces.text(key === "\r" ? "\n" : key === "\x7f" ? "\b" : key);
  }

  private chosen(key: string): void {
    const { faces } = this;
    if (key === CTRL_B) return faces.brk();
    // Letters also with Ctrl, as miniterm has them.
    const letter = key < " " && key !== CTRL_C && key !== CTRL_T ? String.fromCharCode(key.charCodeAt(0) + 96) : key.toLowerCase();
    const more = faces.more.get(letter);
    if (more !== undefined) return more.press();
    switch (letter) {
      case CTRL_C:
      case CTRL_T:
        return faces.text(key);
      case "h":
      case "?":
        for (const line of HELP) faces.say(line);
        for (const [name, { says }] of faces.more) faces.say(`Ctrl+T ${name}        ${says}`);
        return;
      case "q":
        return faces.quit(false);
      case "d":
        return faces.dtr();
      case "r":
        return faces.rts();
      case "e":
        return faces.echo();
      case "s":
        return faces.stamps();
      case "i":
        return faces.info();
      case "l":
        return faces.eol();
      case "a":
        return this.ask("an encoding", (name) => faces.encoding(name));
      case "b":
        return this.ask("a baud rate", (speed) => faces.baud(speed));
      case "u":
        return this.ask("a file to send", (name) => void this.send(name));
      default:
        return faces.say("no such key: Ctrl+T h lists them");
    }
  }

  private ask(what: string, done: (text: string) => void): void {
    this.asked = { text: "", done };
    this.faces.say(`${what}, then Enter (Ctrl+C: none):`);
  }

  private typed(key: string, asked: { text: string; readonly done: (text: string) => void }): void {
    if (key === CTRL_C) {
      this.asked = null;
      this.faces.say("none");
    } else if (key === "\r" || key === "\n") {
      this.asked = null;
      asked.done(asked.text.trim());
    } else if (key === "\x7f" || key === "\b") asked.text = asked.text.slice(0, -1);
    else asked.text += key;
  }

  private async send(name: string): Promise<void> {
    try {
      const bytes = await readFile(resolve(name));
      this.faces.say(`sending ${name} (${bytes.length} bytes)`);
      this.faces.bytes(bytes);
    } catch (error) {
      this.faces.say(`${name} can not be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
