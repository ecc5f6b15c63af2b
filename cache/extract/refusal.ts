/** What stops an extraction: thrown inside cache/extract only, where parsers call back from deep within; extract() makes a Failure of it. */

export type RefusalCode =
  | "extract.escape"
  | "extract.entry"
  | "extract.limit"
  | "extract.damaged"
  | "extract.unknown"
  | "extract.html"
  | "extract.subfolder"
  | "extract.empty";

export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly hint: string;

  /** @param message follows the archive's name and a colon */
  constructor(code: RefusalCode, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

export const hostileHint = "the archive is broken or hostile: get it from another source and compare its sha256 with the publisher's";
export const damagedHint = "the file is incomplete or damaged: remove it and fetch it again";
