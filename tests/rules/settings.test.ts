import { test } from "uvu";
import * as assert from "uvu/assert";
import { noSettings } from "../../rules/package-settings.ts";
import { joinSettings, readUserSettings } from "../../rules/settings.ts";

function read(vars: Readonly<Record<string, string>>, files: Readonly<Record<string, string>>) {
  return readUserSettings({ read: (path) => files[path] ?? null, value: (name) => vars[name] });
}

test("the user's file lies where XDG says, else below the home", () => {
  const text = (url: string) => `[registry]\nurl = "${url}"\n`;
  const files = { "/x/fb/config.toml": text("https://x"), "/h/.config/fb/config.toml": text("https://h") };
  const registry = (vars: Readonly<Record<string, string>>) => {
    const settings = read(vars, files);
    return settings.ok ? settings.value.registry : settings.failure.code;
  };
  assert.is(registry({ XDG_CONFIG_HOME: "/x/", HOME: "/h" }), "https://x");
  assert.is(registry({ XDG_CONFIG_HOME: "relative", HOME: "/h" }), "https://h");
  assert.is(registry({ HOME: "/h" }), "https://h");
  assert.is(registry({ XDG_CONFIG_HOME: "/other", HOME: "/h" }), null);
  assert.is(registry({}), null);
});

for (const [text, code, line] of [
  ["[mirrors]\n", null, 0],
  ['schema = 1\n[packages]\nprovider = "auto"\n', null, 0],
  ["schema = 2\n", "rule.wrong-value", 1],
  ["[step]\n", "rule.unknown-key", 1],
  ['[packages]\nprovider = "both"\n', "rule.wrong-value", 2],
  ['[mirrors]\n"no url" = "https://x/"\n', "rule.unknown-key", 2],
  ['[mirrors]\n"https://x/" = "there"\n', "rule.wrong-value", 2],
  ['[registry]\nurl = "ftp://x"\n', "rule.wrong-value", 2],
  ["[registry\n", "toml.syntax", 1],
] as const)
  test(`${JSON.stringify(text)}: ${code ?? "sound"}`, () => {
    const settings = read({ HOME: "/h" }, { "/h/.config/fb/config.toml": text });
    const found = settings.ok ? [null, 0] : [settings.failure.code, settings.failure.line];
    assert.equal(found, [code, line]);
    if (!settings.ok) assert.is(settings.failure.file, "/h/.config/fb/config.toml");
  });

test("of two the first one's where it says something; mirrors of both count", () => {
  const first = { ...noSettings, mirrors: new Map([["https://a/", "https://1/"]]), provider: "fetch" as const };
  const second = {
    mirrors: new Map([
      ["https://a/", "https://2/"],
      ["https://b/", "https://3/"],
    ]),
    provider: "system" as const,
    indexes: [],
    registry: "https://r",
  };
  const both = joinSettings(first, second);
  assert.equal([...both.mirrors].sort(), [
    ["https://a/", "https://1/"],
    ["https://b/", "https://3/"],
  ]);
  assert.equal([both.provider, both.registry], ["fetch", "https://r"]);
  assert.is(joinSettings(null, second), second);
});

test.run();
