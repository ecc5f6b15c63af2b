/** Failures and warnings about platformio.ini: a stable code, the place in the file, what was expected, what to do. */
import { failure, warning } from "../../engine/failure.ts";
import type { Failure } from "../../engine/types.ts";

/** A position in a file; `line` and `column` count from 1, columns in UTF-16 units. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A configuration error (exit 3). `place` is null when no line of a file can be blamed, as for an environment variable. */
export function problem(code: string, message: string, place: Place | null, hint: string): Failure {
  return failure(code, 3, message, { ...position(place), hint });
}

/** The same for what is odd but refuses nothing. */
export function caution(code: string, message: string, place: Place | null, hint: string): Failure {
  return warning(code, message, { ...position(place), hint });
}

/** Options and sections are places too, and have more fields than failures take. */
function position(place: Place | null): Partial<Place> {
  return place === null ? {} : { file: place.file, line: place.line, column: place.column };
}
