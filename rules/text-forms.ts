/** What the second element of `{ text = [FILE, FORM] }` may be: texts of packages and projects in a form in which patterns find what rules ask for. */
import { readPartitions } from "./image/esp32-partitions.ts";

/** null: the text is none of this kind. file: its path, for messages. */
type TextForm = (file: string, text: string) => string | null;

export const TEXT_FORMS: Readonly<Record<string, TextForm>> = {
  /** A line for each partition: name, type, subtype, offset and size, all but the name as decimal numbers. */
  "esp32-partitions": (file, text) => {
    const read = readPartitions(file, text);
    return read.ok
      ? read.value.map(({ name, type, subtype, offset, size }) => `${[name, type, subtype, offset, size].join(",")}\n`).join("")
      : null;
  },
};
