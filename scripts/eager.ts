/** A bundle of which V8 compiles all functions at once, so that they are in its cache of compiled code. */
import { transform } from "esbuild";

/**
 * Node keeps the code of a file as it is before it runs: of functions that are declared, nothing. What stands in brackets V8 takes for called at once, and compiles.
 * An unchanged build ran 1 ms shorter for it.
 * code: a bundle of esbuild's, in CommonJS. Its top-level functions come first, as they would by hoisting.
 */
export async function eager(code: Uint8Array): Promise<string> {
  // As esbuild prints it, a function of the top level begins and ends at the margin.
  const { code: printed } = await transform(code);
  const functions: string[] = [];
  const rest = printed.replace(/^((?:async )?function\*? ?(\w+)\([\s\S]*?^\})$/gm, (_, declared: string, name: string) => {
    functions.push(`var ${name} = (${declared});`);
    return "";
  });
  if (functions.length === 0) throw new Error("esbuild prints functions in another form now: see scripts/eager.ts");
  const directive = '"use strict";\n';
  const whole = directive + functions.join("\n") + rest.replace(directive, "\n");
  return (await transform(whole, { minifyWhitespace: true, charset: "ascii" })).code;
}
