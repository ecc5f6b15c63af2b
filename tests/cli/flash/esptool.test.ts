/** What esptool says (4.8.1 and 5.6.0, as it was said by hand or stands in its source), and what is told of it: progress and faults by the table of platforms/espressif8266. */
import { readdirSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { faultOf, flashFailure } from "../../../cli/flash/faults.ts";
import { runUploader } from "../../../cli/flash/uploader.ts";
import { envNames, readProject } from "../../../rules/project.ts";
import { readRuleFile } from "../../../rules/rulefile.ts";
import { uploadOf } from "../../../rules/uploads.ts";
import { memoryIo } from "../../rules/memory-io.ts";

const PLATFORMS = new URL("../../../platforms", import.meta.url).pathname;

const FILE = new URL("../../../platforms/espressif8266/platform.toml", import.meta.url).pathname;
const rules = readRuleFile(FILE, readFileSync(FILE, "utf8"), (path) => readFileSync(path, "utf8"));
if (!rules.ok) throw new Error(rules.failure.message);
const found = rules.value.uploaders.get("esptool");
if (found === undefined) throw new Error("no esptool");
const esptool = found;

const BEGUN = "esptool.py v4.8.1\nSerial port /dev/ttyUSB0\n";
const SAID: readonly (readonly [output: string, fault: string, says: RegExp])[] = [
  [
    `${BEGUN}Connecting......................................\n\nA fatal error occurred: Failed to connect to ESP8266: No serial data received.\nFor troubleshooting steps visit: https://docs.espressif.com/projects/esptool/en/latest/troubleshooting.html\n`,
    "sync",
    /does not answer.*Failed to connect to ESP8266/,
  ],
  [
    `${BEGUN}\nA fatal error occurred: Could not open /dev/ttyUSB0, the port is busy or doesn't exist.\n([Errno 2] could not open port /dev/ttyUSB0: [Errno 2] No such file or directory: '/dev/ttyUSB0')\n\nHint: Check if the port is correct and ESP connected\n`,
    "refused",
    /could not be opened.*busy or doesn't exist/,
  ],
  [
    `${BEGUN}\nA fatal error occurred: This chip is ESP32 not ESP8266. Wrong --chip argument?\n`,
    "signature",
    /another chip than the esp8266.*This chip is ESP32/,
  ],
  [
    "esptool v5.6.0\nSerial port /dev/ttyUSB0:\nConnecting....\n\n\nERROR: A fatal error occurred: This chip is ESP32, not ESP32-C3. Wrong chip argument?\n",
    "signature",
    /another chip than the esp8266.*This chip is ESP32, not ESP32-C3/,
  ],
  [
    "Traceback (most recent call last):\n  File \"/x/esptool.py\", line 3, in <module>\n    import serial\nModuleNotFoundError: No module named 'serial'\n",
    "broken",
    /esptool\.py does not run here \(esptool\.py: .*No module named 'serial'/,
  ],
  [
    "Hash of data verified.\nWriting at 0x00014000... (20 %)\nA serial exception error occurred: Write timeout\nNote: This error originates from pySerial.\n",
    "lost",
    /went while the board was written/,
  ],
  [
    "Hash of data verified.\n\nA fatal error occurred: Serial data stream stopped: Possible serial noise or corruption.\n",
    "garbled",
    /does not arrive whole .*Serial data stream stopped/,
  ],
  ["Wrote 1 bytes\n\nA fatal error occurred: MD5 of file does not match data in flash!\n", "verify", /not what was written/],
  ["\nA fatal error occurred: something else\n", "other", /exit code 2 .*something else/],
];

test("each fault has its name, its cause and exit code 5", () => {
  for (const [output, fault, says] of SAID) {
    const end = { why: "exited", code: 2, output } as const;
    assert.is(faultOf(end, esptool, true), fault, output);
    const told = flashFailure(faultOf(end, esptool, true), end, esptool, {
      ...{ program: "esptool.py", port: "/dev/ttyUSB0", board: "nodemcuv2", mcu: "esp8266", idle: 30, tries: 2 },
    });
    assert.match(told.message, says);
    assert.is(told.exit, 5);
  }
});

test("how far it is, by its percents", async () => {
  const progress: string[] = [];
  const bar = (percent: string, at: string) => `Writing at ${at} ━━━━━━━━━━━╸     ${percent}%% 16.00kB/16.60kB [0s] \\n`;
  const script =
    "printf 'Erasing flash...\\rWriting at 0x00000000... (7 %%)\\rWriting at 0x00004000... (50 %%)\\rWriting at 0x00010000 [====>  ] 75.4%% 3/4\\rWriting at 0x00020000... (100 %%)\\n'; printf '" +
    `${bar("5.5", "0x00004000")}${bar("100.0", "0x00005268")}'`;
  const end = await runUploader({
    ...{ argv: ["/bin/sh", "-c", script], cwd: "/", vars: {}, uploader: esptool, idle: 20, stop: new AbortController().signal },
    onProgress: (phase, percent) => progress.push(`${phase} ${percent}`),
  });
  assert.is(end.code, 0);
  assert.equal(progress, ["writing 7", "writing 50", "writing 75", "writing 100", "writing 5", "writing 100"]);
});

test("what a board asks for before and after: the touch at 1200 baud and the port that comes, the reset that its USB needs; the ini's words win", () => {
  const before = (board: string, options = "") => {
    const ini = `[env:a]\nplatform = espressif32\nframework = arduino\nboard = ${board}\n${options}`;
    const io = memoryIo({});
    const read = readProject("/p", PLATFORMS, {
      read: (path) => (path.startsWith(PLATFORMS) ? readFileSync(path, "utf8") : path === "platformio.ini" ? ini : io.text(path)),
      list: (path) =>
        path === PLATFORMS ? readdirSync(path).map((name) => ({ name, is: name.includes(".") ? "file" : "dir" })) : io.list(path),
      glob: () => [],
      value: () => undefined,
      unixTime: () => 0,
      sha1: () => "0",
    });
    const env = read.ok ? read.value.envs.get("a") : undefined;
    if (env?.ok !== true) throw new Error(JSON.stringify(env));
    const names = envNames(env.value);
    const upload = uploadOf(env.value.platform.rules, names, new Map());
    if (!upload.ok) throw new Error(upload.failure.message);
    const { touch, awaitsPort, flushes, args } = upload.value;
    const resets = ["before", "after"].map((each) => names.get(`board.upload.${each}_reset`));
    return [touch, awaitsPort, flushes, ...resets, args.get("speed")?.at(-1), args.get("flags")?.join(" ")];
  };
  assert.equal(before("esp32dev"), [false, false, false, "default_reset", "hard_reset", "460800", ""]);
  assert.equal(before("lolin_s2_mini").slice(0, 3), [true, true, false]);
  assert.equal(before("adafruit_feather_esp32s3").slice(0, 3), [true, true, false]);
  assert.equal(before("esp32-c3-devkitm-1").slice(0, 3), [false, false, false]);
  const own =
    "board_upload.before_reset = usb_reset\nboard_upload.after_reset = no_reset\nboard_upload.use_1200bps_touch = no\nboard_upload.wait_for_upload_port = false\nupload_speed = 115200\nupload_flags = --no-stub\n";
  assert.equal(before("lolin_s2_mini", own), [false, false, false, "usb_reset", "no_reset", "115200", "--no-stub"]);
});

test.run();
