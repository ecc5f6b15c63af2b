/** `fb size --html` in a real Chromium: gone into, searched, read. Left out, and said so, where there is none. */

import type { Page } from "playwright-core";
import { opened, tryIt } from "./browser.ts";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TestProject } from "./harness.ts";

/** The text as a reader sees it. */
// biome-ignore lint/performance/useDomNodeTextContent: that is what is asked
const shown = (page: Page, selector: string): Promise<string> => page.innerText(selector);
const heading = (page: Page): Promise<string> => shown(page, "#panel h2");

const FILES = {
  "platformio.ini": "[env:pc]\nplatform = native\n[env:other]\nplatform = native\nbuild_flags = -DMORE\n",
  "lib/shape/shape.h": "int area(int);\n",
  "lib/shape/shape.c": "static char scratch[3000];\nint area(int r) { scratch[r] = 1; return scratch[r / 2]; }\n",
  "src/main.c":
    '#include "shape.h"\n#ifdef MORE\nchar more[200];\n#endif\nchar buffer[6000];\nconst char text[900] = "</script><!--";\nint main(int n, char **v) { return area(n) + buffer[n] + text[n]; }\n',
};

tryIt(
  "a program: areas add up, in and out by mouse and by key, search, flash and RAM, another env, what grew, dark and light",
  async () => {
    const project = new TestProject(FILES);
    assert.is(project.fb(["size", "--json"]).code, 0);
    project.edit("lib/shape/shape.c", "3000", "3500");
    const ran = project.fb(["size", "--html"]);
    assert.is(ran.code, 0, ran.stderr);
    assert.is(ran.stdout, "wrote .fb/size.html: pc, other; open it in a browser\n");
    const file = project.path(".fb/size.html");
    await opened(file, "#map .area", async (page) => {
      assert.match(await shown(page, "#panel"), /FLASH\n\n[\d,]+\n\nRAM\n\n[\d,]+ \+\d+\n\nLIBRARIES/i);
      assert.match(await shown(page, "#panel [data-list=changed]"), /scratch\n\+500/);
      await page.click("#ram");
      // An area is as large as its share: of the same level, 6,000 bytes against 3,500.
      const size = async (title: string): Promise<number> => {
        const box = await page.locator(`.area.symbol[title^="${title}:"]`).boundingBox();
        assert.ok(box !== null, title);
        return (box?.width ?? 0) * (box?.height ?? 0);
      };
      const ratio = (await size("buffer")) / (await size("scratch"));
      assert.ok(ratio > 1.55 && ratio < 1.9, `${ratio} times as large`);
      // Into the library, its object, its symbol, and out again.
      const way = (): Promise<string> => shown(page, "#path");
      await page.click('.area.library[title^="lib/shape:"]', { position: { x: 12, y: 8 } });
      assert.is(await way(), "pc › lib/shape");
      assert.match(await heading(page), /^lib\/shape$/);
      await page.locator('.area.object[title^="lib/shape/shape.c.o:"]').focus();
      await page.keyboard.press("Enter");
      assert.is(await way(), "pc › lib/shape › lib/shape/shape.c.o");
      await page.click('.area.symbol[title^="scratch:"]');
      assert.is(await heading(page), "scratch");
      assert.match(await shown(page, "#panel"), /3,500[\s\S]*\+500 against the last build[\s\S]*\.bss[\s\S]*lib\/shape/i);
      assert.is(await page.locator(".area.selected").count(), 1);
      for (let i = 0; i < 3; i++) await page.keyboard.press("Escape");
      assert.is(await way(), "pc");
      assert.is(await page.locator("#up").isDisabled(), true);
      // Searched, also for what nothing is called.
      await page.keyboard.press("/");
      await page.fill("#search", "area");
      await page.click("#flash");
      await page.fill("#search", "area");
      await page.press("#search", "Enter");
      assert.is(await heading(page), "area");
      await page.fill("#search", "nothing-of-this-name");
      assert.match(await shown(page, "#results"), /nothing is called so/);
      await page.press("#search", "Escape");
      // Another env.
      await page.click("#envs button:has-text('other')");
      assert.is(await way(), "other");
      await page.click("#ram");
      assert.is(await page.locator('.area.symbol[title^="more:"]').count(), 1);
      await page.locator("#panel a:has-text('src')").first().click();
      assert.is(await way(), "other › src");
      // Nothing lies outside of the map, and areas of one level do not overlap.
      await page.click("#up");
      const boxes = await page.evaluate<{ x: number; y: number; r: number; b: number }[]>(
        "[...document.querySelectorAll('.area.library')].map((e) => e.getBoundingClientRect()).map((r) => ({ x: r.left, y: r.top, r: r.right, b: r.bottom }))",
      );
      const map = await page.locator("#map").boundingBox();
      assert.ok(map !== null && boxes.length >= 2);
      for (const [i, a] of boxes.entries()) {
        assert.ok(a.x >= map.x - 1 && a.y >= map.y - 1 && a.r <= map.x + map.width + 1 && a.b <= map.y + map.height + 1);
        for (const b of boxes.slice(i + 1)) assert.ok(a.r <= b.x + 1 || b.r <= a.x + 1 || a.b <= b.y + 1 || b.b <= a.y + 1);
      }
    });
    const ground = async (scheme: "light" | "dark"): Promise<string> => {
      let color = "";
      await opened(
        file,
        "#map .area",
        async (page) => {
          color = await page.evaluate("getComputedStyle(document.querySelector('.area')).backgroundColor");
        },
        scheme,
      );
      return color;
    };
    assert.is.not(await ground("dark"), await ground("light"));
  },
);

tryIt("a program of many symbols: the page opens, what is too small is not drawn but found", async () => {
  const many = Array.from({ length: 4000 }, (_, i) => `int symbol_${i}(int n) { return n * ${i}; }`).join("\n");
  const project = new TestProject({
    "platformio.ini": "[env:pc]\nplatform = native\n",
    "src/main.c": `${many}\nint main(void) { return 0; }\n`,
  });
  assert.is(project.fb(["size", "--html", "many.html"]).code, 0);
  await opened(project.path("many.html"), "#map .area", async (page) => {
    await page.fill("#search", "symbol_3999");
    await page.press("#search", "Enter");
    assert.is(await heading(page), "symbol_3999");
    assert.match(await shown(page, "#panel"), /src\/main\.c\.o/);
  });
});

test.run();
