/** `fb graph --html` in a real Chromium: searched, opened, read. Left out, and said so, where there is none. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { opened, tryIt } from "./browser.ts";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { pageData } from "../../cli/graph-page.ts";
import { pageTemplate, pageText } from "../../cli/page-text.ts";
import type { LastRun } from "../../cli/view/last-run.ts";
import { FIRMWARE, type Row, viewOfTable } from "../engine/query/project.ts";
import { FB, freshFolder, TestProject } from "./harness.ts";

async function find(page: Page, text: string): Promise<void> {
  await page.press("body", "/");
  await page.fill("#search", text);
  await page.press("#search", "Enter");
}

/** The text as a reader sees it. */
// biome-ignore lint/performance/useDomNodeTextContent: that is what is asked
const shown = (page: Page, selector: string): Promise<string> => page.innerText(selector);
const heading = (page: Page): Promise<string> => shown(page, "#panel h2");

tryIt("a built project: what ran and why, commands, inputs; open, close, search, dark and light", async () => {
  const project = new TestProject({
    "platformio.ini": "[env:pc]\nplatform = native\nbuild_flags = '-DNAME=\"</script>\"'\n",
    "include/both.h": "#pragma once\n#define BOTH 1\n",
    "src/a.c": '#include "both.h"\nint a(void) { return BOTH; }\n',
    "src/main.c": "int a(void);\nint main(void) { return a() - 1; }\n",
    ...Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`lib/many/f${i}.c`, `int f${i}(void) { return ${i}; }\n`])),
    "lib/many/many.h": "int f0(void);\n",
  });
  project.write("src/main.c", '#include "many.h"\nint a(void);\nint main(void) { return a() - 1 + f0(); }\n');
  project.run();
  project.edit("include/both.h", "BOTH 1", "BOTH 2");
  project.run();
  const ran = project.fb(["graph"]);
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /^wrote \.fb\/graph\.html: \d+ nodes; open it in a browser\n$/);
  await opened(project.path(".fb/graph.html"), "#all .box", async (page) => {
    assert.match(await shown(page, "#panel"), /64\nactions[\s\S]*RAN \(2\)/i);
    await find(page, "compile:pc:src/a.c.o");
    assert.match(await heading(page), /compile:pc:src\/a\.c\.o/);
    assert.is((await shown(page, "#panel .why")).trim(), "include/both.h changed, read through src/a.c");
    assert.match(await shown(page, "#command"), /-c .*'-DNAME="<\/script>"'.* src\/a\.c$/s);
    assert.is(await shown(page, "#panel [data-list=makes] a"), ".fb/build/pc/release/src/a.c.o");
    await find(page, "link:pc:program");
    assert.match(await shown(page, "#panel .way"), /^include\/both\.h → compile:pc:src\/a\.c\.o → link:pc:program$/);
    await find(page, "compile:pc:src/a.c.o");
    // From the action to what it reads, to who else reads it.
    await page.click("#panel [data-list=reads] a:has-text('both.h')");
    assert.match(await heading(page), /include\/both\.h/);
    assert.is(await shown(page, "#panel [data-list=users] a"), "compile:pc:src/a.c.o");
    assert.is(await page.locator(".box.selected text").first().textContent(), "include/both.h");
    // A group closed and opened again, by mouse and by key.
    await page.click("#reset");
    const env = page.locator('[data-key="g/pc"]');
    const boxes = (): Promise<number> => page.locator("#all .box").count();
    const before = await boxes();
    assert.is(await env.getAttribute("aria-expanded"), "true");
    await env.click({ position: { x: 20, y: 10 } });
    assert.is(await env.getAttribute("aria-expanded"), "false");
    assert.ok((await boxes()) < before);
    await env.focus();
    await page.keyboard.press("Enter");
    assert.is(await boxes(), before);
    await find(page, "nothing-of-this-name");
    assert.match(await shown(page, "#results"), /nothing is called so/);
    await page.press("#search", "Escape");
    await page.click("#critical");
    assert.is(await page.getAttribute("#critical", "aria-pressed"), "true");
    assert.ok((await page.locator(".lit.path").count()) >= 1);
  });
  const ground = async (scheme: "light" | "dark"): Promise<string> => {
    let color = "";
    await opened(
      project.path(".fb/graph.html"),
      "#all .box",
      async (page) => {
        color = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      },
      scheme,
    );
    return color;
  };
  assert.is.not(await ground("dark"), await ground("light"));
});

tryIt("a part of it, into a file of one's choice; a failed run is to be seen", async () => {
  const project = new TestProject({ "platformio.ini": "[env:pc]\nplatform = native\n", "src/main.c": "int main(void) { return oops; }\n" });
  project.run([], { exit: 1 });
  assert.is(project.fb(["graph", "deps(compile:pc:src/main.c.o)", "--html", "part.html"]).code, 0);
  await opened(project.path("part.html"), "#all .box", async (page) => {
    assert.match(await shown(page, "#panel"), /FAILED \(1\)\ncompile:pc:src\/main\.c\.o/i);
    await page.click("#panel [data-list=failed] a");
    assert.is(await shown(page, "#panel .chip"), "failed");
    assert.match(await shown(page, "#title"), /deps\(compile:pc:src\/main\.c\.o\)/);
  });
});

tryIt("5,000 actions: few boxes to begin with, anything is found, groups open", async () => {
  const rows = Array.from({ length: 5000 }, (_, i): Row => {
    const path = `lib/part${i % 50}/src/d${i % 3}/f${i}.c`;
    return {
      kind: "compile",
      env: "uno",
      rule: "c",
      makes: [`${path}.o`],
      takes: [`!${path}`],
      reads: [`!include/h${i % 70}.h`, `!include/h${i % 11}.h`],
    };
  });
  const view = viewOfTable({ ...FIRMWARE, rows: [...FIRMWARE.rows, ...rows] });
  const actions = new Map(
    rows
      .slice(0, 900)
      .map((row, i) => [`compile:uno:${row.makes[0]}`, { status: i % 2 === 0 ? "ran" : "hit", ms: i, why: [], chain: [] } as const]),
  );
  const last: LastRun = {
    run: 3,
    time: "2026-01-02T03:04:05.000Z",
    request: [":firmware"],
    status: "ok",
    ms: 1234,
    counts: { actions: 5017, ran: 450, hits: 450, upToDate: 4117, failed: 0 },
    actions,
  };
  const ids = Array.from({ length: view.size }, (_, id) => id);
  const file = join(freshFolder(), "big.html");
  writeFileSync(file, pageText(pageTemplate("graph", dirname(dirname(FB))), pageData(view, ids, { project: "big", query: null }, last)));
  await opened(file, "#all .box", async (page) => {
    const boxes = (): Promise<number> => page.locator("#all .box").count();
    const first = await boxes();
    assert.ok(first > 10 && first < 140, `${first} boxes`);
    await find(page, "f4999.c.o");
    assert.match(await heading(page), /compile:uno:lib\/part49\/src\/d1\/f4999\.c\.o/);
    assert.is(await page.locator(".box.selected").count(), 1);
    assert.ok((await boxes()) > first);
    const box = await page.locator(".box.selected").boundingBox();
    assert.ok(box !== null && box.x > 0 && box.x + box.width < 1280 && box.y > 0 && box.y + box.height < 800, "it is on the screen");
    await find(page, "include/h7.h");
    assert.match(await shown(page, "#panel"), /USED BY \(\d{2,}\)/i);
    await page.click("#critical");
    await page.click("#reset");
    assert.is(await boxes(), first);
    await page.click('[data-key^="g/uno/lib/part7/"]');
    assert.ok((await boxes()) > first);
    await page.mouse.move(300, 400);
    await page.mouse.wheel(0, -400);
    await page.press("body", "f");
  });
});

test.run();
