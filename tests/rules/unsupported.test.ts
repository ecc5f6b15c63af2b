/** Options of an ini that a build does not obey: who has them is told what to type instead. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { unheardOfPlatform, unheardOptions } from "../../rules/unsupported.ts";

const origin = { file: "platformio.ini", line: 4, column: 11 };
const heard = (value: string | string[]) => unheardOptions("env:uno", new Map([["targets", { value, origin, time: false }]]));

test("targets: `fb run` builds; the words that do the rest", () => {
  const [told, ...more] = heard(["upload", "monitor"]);
  assert.equal(more, []);
  assert.is(told?.hint, "here: fb run -t upload -t monitor -e uno");
  assert.is(told?.origin, origin);
  assert.is(heard("upload")[0]?.hint, "here: fb run -t upload -e uno");
});

test("nothing is told of none", () => {
  assert.equal([heard(""), heard([]), unheardOptions("env:uno", new Map())], [[], [], []]);
});

test("what a platform's rules do not have: options and values of the board that are set to something", () => {
  const names = ["option.custom_sdkconfig", "option.custom_other", "board.espidf.custom", "board.espidf.none"];
  const options = new Map([
    ["custom_sdkconfig", { value: "CONFIG_X=y", origin, time: false }],
    ["custom_other", { value: "", origin, time: false }],
  ]);
  const board = new Map<string, string | readonly string[]>([
    ["espidf.custom", ["A", "B"]],
    ["espidf.none", []],
  ]);
  assert.equal(
    unheardOfPlatform("env:c6", "x", names, options, board).map(({ message, origin: place }) => [message, place?.line ?? 0]),
    [
      ["custom_sdkconfig of [env:c6] is not obeyed: fb's rules for platform x do not have it", origin.line],
      ["espidf.custom of the board of [env:c6] is not obeyed: fb's rules for platform x do not have it", 0],
    ],
  );
});

test.run();
