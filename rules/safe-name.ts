/** Names that come from elsewhere and may end in a path, a message or a file of fb's. */

/** A text of at most 200 characters without control characters and slashes, and not `.` or `..`: as one part of a path it stays where it is put. */
export function isSafeName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 200 && !/[\p{Cc}\p{Cs}/\\]/u.test(value) && !/^\.{1,2}$/.test(value);
}
