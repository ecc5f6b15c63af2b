/** A text with words replaced by others, as linker scripts with blanks in them are filled in. */
import { type ImageTool, made } from "./image-tool.ts";

/** Words are plain text, replaced in the order in which they are given, each everywhere. */
export const substitute: ImageTool = {
  usage: "fb tool substitute FILE --out FILE --words FIND REPLACEMENT …",
  make(options, read) {
    const [file, more] = options.get("") ?? [];
    const words = options.get("words") ?? [];
    if (file === undefined || more !== undefined || words.length % 2 !== 0) return null;
    let text = new TextDecoder().decode(read(file));
    for (let i = 0; i + 1 < words.length; i += 2) text = text.replaceAll(words[i] ?? "", () => words[i + 1] ?? "");
    return made(new TextEncoder().encode(text));
  },
};
