/**
 * Generated sketches, from a seed: functions of all shapes that are called before they are defined, over one or more tabs. Each comes with the same program
 * as a person would have to write it without a conversion, all types and prototypes ahead: where that compiles, the converted sketch must too.
 */
import { Random } from "../random.ts";

export interface SketchCase {
  /** Texts by file name. */
  readonly tabs: Readonly<Record<string, string>>;
  readonly explicit: string;
}

/** The sketch of this number; it depends on nothing but the two. */
export function sketchCase(seed: number, index: number): SketchCase {
  return new Maker(new Random(seed * 1_000_003 + index)).sketch();
}

/** One function, with what belongs to it. */
interface Piece {
  /** Types, macros and data that must stand before everything that names them. */
  readonly before?: string;
  /** Its prototype; without one it is defined before it is used. */
  readonly prototype?: string;
  readonly definition: string;
  /** The definition under `prototype`, where that is another: it has no default arguments then. */
  readonly bare?: string;
  /** An expression of a whole number. */
  readonly call: string;
}

type Make = (n: number, body: string, r: Random) => Piece;

/** A function by its head: with default arguments `head` has them, `bare` not. `body`: a whole number that may use nothing but functions. */
function plain(
  head: string,
  call: string,
  body: string,
  more: Partial<Piece> & { readonly result?: string; readonly bareHead?: string } = {},
): Piece {
  const { result = "$", bareHead = head, ...rest } = more;
  const block = `{ return ${result.replace("$", body)}; }`;
  return { prototype: `${head};`, definition: `${head} ${block}`, bare: `${bareHead} ${block}`, call, ...rest };
}

const MAKES: readonly Make[] = [
  (n, b) => plain(`int f${n}(int a)`, `f${n}(1)`, b),
  (n, b) => plain(`int f${n}(void)`, `f${n}()`, b),
  (n, b) => plain(`int f${n}()`, `f${n}()`, b),
  (n, b) => plain(`unsigned long f${n}(unsigned long a, unsigned char b)`, `(int)f${n}(1, 2)`, b),
  (n, b) => plain(`static inline unsigned long long int f${n}(const volatile uint8_t a)`, `(int)f${n}(1)`, b),
  (n, b) => plain(`long f${n}(int a, int b = 2)`, `(int)f${n}(1)`, b, { bareHead: `long f${n}(int a, int b)` }),
  (n, b) =>
    plain(`int f${n}(const char *p = nullptr, char c = ',', const char *q = "a,b) {")`, `f${n}()`, b, {
      bareHead: `int f${n}(const char *p, char c, const char *q)`,
    }),
  (n, b) =>
    plain(`int f${n}(int a = (1 < 2) ? 3 : 4, bool x = 1 > 0, int y = sizeof(int[2]))`, `f${n}(1)`, b, {
      bareHead: `int f${n}(int a, bool x, int y)`,
    }),
  (n, b) =>
    plain(`int f${n}(P${n}<int, 3> p = P${n}<int, 3>(), int z = 1)`, `f${n}()`, b, {
      before: `template <class T, int N> struct P${n} { T x[N]; };`,
      bareHead: `int f${n}(P${n}<int, 3> p, int z)`,
    }),
  (n, b) => plain(`template <typename T> T f${n}(T a)`, `f${n}(1)`, b),
  (n, b) => plain(`template <class T, class U>\nT f${n}(T a, const U &b)`, `f${n}(1, 'c')`, b),
  (n, b) => plain(`template <int N, typename T = int> T f${n}()`, `f${n}<2>()`, b, { bareHead: `template <int N, typename T> T f${n}()` }),
  (n, b) => plain(`template <typename... A> int f${n}(A... a)`, `f${n}(1, 'c', 2L)`, b),
  (n, b) => plain(`S${n} f${n}(int a)`, `f${n}(1).x`, b, { before: `struct S${n} { int x; };`, result: `S${n}{$}` }),
  (n, b) => plain(`struct S${n} f${n}(struct S${n} *p)`, `f${n}(0).x`, b, { before: `struct S${n} { int x; };`, result: `S${n}{$}` }),
  (n, b) => plain(`int f${n}(const S${n} &s, S${n} t)`, `f${n}(S${n}(), S${n}())`, b, { before: `typedef struct { int x; } S${n};` }),
  (n, b) => plain(`int f${n}(E${n} e)`, `f${n}(E${n}::on)`, b, { before: `enum class E${n} : uint8_t { off, on };` }),
  (n, b) =>
    plain(`E${n} f${n}(enum E${n} e)`, `(int)f${n}(ON${n})`, b, { before: `enum E${n} { OFF${n}, ON${n} };`, result: `(E${n})($)` }),
  (n, b) =>
    plain(`C${n}::Inner f${n}(C${n}::Inner *p)`, `f${n}(0).y`, b, {
      before: `class C${n} { public: struct Inner { int y; }; };`,
      result: `C${n}::Inner{$}`,
    }),
  (n, b) => plain(`Alias${n} f${n}(Alias${n} a)`, `f${n}(1)`, b, { before: `using Alias${n} = int;` }),
  (n, b) => plain(`int f${n}(Op${n} op, int a)`, `f${n}(0, 1)`, b, { before: `typedef int (*Op${n})(int, char);` }),
  (n, b) => plain(`int f${n}(int (*op)(int, char), int a)`, `f${n}(nullptr, 1)`, b),
  (n, b) => plain(`int f${n}(void (*done)(void), void (*)(int))`, `f${n}(loop, nullptr)`, b),
  (n) => plain(`int (*f${n}(int a))(int)`, `(f${n}(1) != nullptr)`, "(int (*)(int))nullptr"),
  (n, b) => plain(`int f${n}(int (&a)[3])`, `f${n}(arr${n})`, b, { before: `int arr${n}[3] = {1, 2, 3};` }),
  (n, b) => plain(`int f${n}(const uint8_t a[], size_t n, char *argv[])`, `f${n}(nullptr, 1, nullptr)`, b),
  (n, b) => plain(`int f${n}(int a[2][3])`, `f${n}(nullptr)`, b),
  (n) => plain(`const char *f${n}(const char *const *p)`, `(int)strlen(f${n}(0))`, '"} { void x() {"'),
  (n) => plain(`char const *const f${n}(const __FlashStringHelper *s)`, `(f${n}(F("(")) != 0)`, '"\'"'),
  (n, b) => plain(`int &f${n}(int a)`, `f${n}(1)`, b, { before: `int store${n};`, result: `store${n} = $, store${n}` }),
  (n) => plain(`int **f${n}(int **p)`, `(f${n}(0) == 0)`, "0"),
  (n) => plain(`int *f${n}()`, `(f${n}() == 0)`, "0"),
  (n, b) => plain(`String f${n}(const String &s, String t)`, `(int)f${n}("a", "b").length()`, b, { result: "String($)" }),
  (n, b) => plain(`auto f${n}(int a) -> int`, `f${n}(1)`, b),
  (n, b) => plain(`decltype(1 + 1) f${n}(decltype('c') a)`, `f${n}('x')`, b),
  (n, b) => plain(`int f${n}(int a) noexcept`, `f${n}(1)`, b),
  (n, b) => plain(`int f${n}(int, char)`, `f${n}(1, 'c')`, b),
  (n, b) => plain(`int f${n}(int a, ...)`, `f${n}(1, 2, 3)`, b),
  (n, b) => plain(`extern "C" int f${n}(int a)`, `f${n}(1)`, b),
  (n, b) => ({
    ...{ prototype: `extern "C" int f${n}(char a);`, call: `f${n}('a')` },
    ...{ definition: `extern "C" {\nint f${n}(char a) { return ${b}; }\n}`, bare: `extern "C" { int f${n}(char a) { return ${b}; } }` },
  }),
  (n, b) => plain(`__attribute__((noinline)) int f${n}(int a)`, `f${n}(1)`, b),
  (n, b) => plain(`int __attribute__((noinline, section(".text.f${n}"))) f${n}(int a)`, `f${n}(1)`, b),
  (n, b) => plain(`[[gnu::noinline]] int f${n}(int a)`, `f${n}(1)`, b),
  (n, b) => plain(`FAST${n} int f${n}(int a)`, `f${n}(1)`, b, { before: `#define FAST${n} static inline __attribute__((always_inline))` }),
  (n, b) => plain(`RET${n}(int) f${n}(ARG${n} a)`, `f${n}(1)`, b, { before: `#define RET${n}(t) t\n#define ARG${n} const int` }),
  (n, b) => ({
    before: `#define MAKE${n}(name) int name(int a) { return a; }\nMAKE${n}(f${n})`,
    definition: `int g${n}() { return ${b}; }`,
    prototype: `int g${n}();`,
    call: `f${n}(g${n}())`,
  }),
  (n, b) => ({
    before: `namespace n${n} { int f(int a) { return a; } namespace deep { int g(); } }\nint n${n}::deep::g() { return 2; }`,
    ...plain(`int f${n}(int a)`, `f${n}(n${n}::f(1) + n${n}::deep::g())`, b),
  }),
  (n, b) => ({
    before: `class K${n} { public: K${n}(int a); int m(int a) const; static int s(); operator int() const { return x; } private: int x; };`,
    definition: `K${n}::K${n}(int a) : x(a) { x = ${b}; }\nint K${n}::m(int a) const { return x + a; }\nint K${n}::s() { return 1; }`,
    prototype: "",
    call: `K${n}(1).m(K${n}::s())`,
  }),
  (n, b) =>
    plain(`V${n} operator+(const V${n} &a, const V${n} &b)`, `(V${n}() + V${n}()).x`, b, {
      before: `struct V${n} { int x; };`,
      result: `V${n}{$}`,
    }),
  (n, b) => plain(`bool operator==(const V${n} &a, V${n} b)`, `(V${n}() == V${n}())`, b, { before: `struct V${n} { int x; };` }),
  (n, b) =>
    plain(`Print &operator<<(Print &p, const V${n} &v)`, `(int)(&(Serial << V${n}()) != 0)`, b, {
      before: `struct V${n} { int x; };`,
      result: "(void)$, p",
    }),
  (n, b) => ({
    prototype: `int f${n}(int a);\nint f${n}(const char *a);`,
    definition: `int f${n}(int a) { return ${b}; }\nint f${n}(const char *a) { return 2; }`,
    call: `f${n}(f${n}("x"))`,
  }),
  (n, b) => ({
    prototype: `int f${n}(int a);`,
    definition: `int f${n}(int a) { auto l = [](int x) -> int { return x + 1; }; return l(a) + [&] { return ${b}; }(); }`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({
    before: `const char raw${n}[] = R"x(\nvoid fake() { } int g(int a) { ") \n)x";`,
    ...plain(`int f${n}(int a)`, `f${n}(raw${n}[0])`, b),
  }),
  (n, b) => ({
    before: `const char text${n}[] PROGMEM = "int fake() {";\nconst uint8_t table${n}[] PROGMEM = { 1, 2, '{', '\\'' };`,
    ...plain(`int f${n}(int i)`, `f${n}(pgm_read_byte(&table${n}[1]))`, b),
  }),
  (n, b) => ({
    prototype: `int f${n}(int a);`,
    definition: `#if defined(ARDUINO_ARCH_AVR)\nint f${n}(int a) { return ${b}; }\n#else\nint f${n}(int a) { return this is broken; }\n#endif`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({
    prototype: `int f${n}(int a);`,
    definition: `#ifdef NOT_DEFINED_${n}\nint f${n}(int a) {\n#else\nint f${n}(int a) {\n#endif\n  return ${b};\n}`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({
    prototype: `int f${n}(int a);`,
    definition: `#if 0\nint f${n}(long a) { {{{ " }\n#endif\nint f${n}(int a) {\n#if 1\n  return ${b};\n#else\n  return }}};\n#endif\n}`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({ prototype: `int f${n}(int a);`, definition: `int \\\nf${n}(int \\\na) \\\n{ return ${b}; }`, call: `f${n}(1)` }),
  (n, b) => ({
    prototype: `int f${n}(int a, int b);`,
    definition: `int /* { */ f${n} ( // (\n  int a /* ) */, // one, two {\n  int b /* "x */\n) // {\n{ /* } */ return ${b}; // }\n}`,
    call: `f${n}(1, 2)`,
  }),
  (n, b) => ({
    prototype: `int f${n}(int a);`,
    definition: `int f${n}(int a) <% int x<:2:> = <% 1, 2 %>; return x<:0:> + ${b}; %>`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({
    prototype: `int f${n}(int a);`,
    definition: `int\nf${n}\n(\n  int a\n)\n{\n  switch (a) { case '{': return 1; default: break; }\n  for (;;) { if (a) goto out; else while (a) a--; }\nout:\n  return ${b};\n}`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({
    prototype: `int f${n}(int a); int g${n}(int a);`,
    definition: `int f${n}(int a) { return g${n}(a); } int g${n}(int a) { return ${b}; }`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({ prototype: `int f${n}(int a);`, definition: `int f${n}(int a);\nint f${n}(int a) { return ${b}; }`, call: `f${n}(1)` }),
  (n, b) => ({
    prototype: `int f${n}(int a = 3);`,
    definition: `int f${n}(int a) { return ${b}; }`,
    before: `int f${n}(int a = 3);`,
    call: `f${n}()`,
  }),
  (n, b) => ({
    prototype: `int f${n}(int a);`,
    definition: `int f${n}(int a) { struct Local { int m(int q) { return q; } } l; return l.m(${b}); }`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({
    before: `volatile int ticks${n} = 0;`,
    prototype: `int f${n}(int a);`,
    definition: `int f${n}(int a) { noInterrupts(); asm volatile("nop" ::: "memory"); interrupts(); return ticks${n} + ${b}; }`,
    call: `f${n}(1)`,
  }),
  (n, b) => ({
    before: `int (*const handlers${n}[])(int) = { nullptr };\nstatic const struct { const char *name; int (*go)(); } menu${n}[] = { { "a{", nullptr } };`,
    ...plain(`int f${n}(int a)`, `f${n}(menu${n}[0].name[0])`, b),
  }),
];

class Maker {
  private readonly r: Random;

  constructor(r: Random) {
    this.r = r;
  }

  sketch(): SketchCase {
    const { r } = this;
    const makes = r.sample(MAKES, 3 + r.below(8));
    // What bodies call is decided by calls alone, so each piece is made twice: for its call, and with a body.
    const calls = makes.map((make, n) => make(n, "0", r).call);
    const pieces = makes.map((make, n) => make(n, r.chance(0.5) ? `(${r.pick(calls)})` : String(n), r));
    const known = pieces.map((piece) => piece.before ?? "").filter((text) => text !== "");
    const setup = `void setup() {\n  Serial.begin(9600);\n${calls.map((call) => `  Serial.println(${call});\n`).join("")}}`;
    const loop = r.chance(0.5) ? "void loop() {}" : "void loop()\n{\n  // nothing {\n}";
    return { tabs: this.tabs(known, setup, loop, pieces), explicit: explicitly(known, setup, loop, pieces) };
  }

  private tabs(known: readonly string[], setup: string, loop: string, pieces: readonly Piece[]): Record<string, string> {
    const { r } = this;
    const definitions = pieces.map((piece) => piece.definition);
    const others = r.chance(0.4) ? 1 + r.below(3) : 0;
    const parts: string[][] = Array.from({ length: others + 1 }, () => []);
    for (const definition of definitions) r.pick(parts).push(definition);
    const [main = [], ...rest] = parts;
    const ordered = [...known, ...r.shuffled([setup, loop, ...main])];
    const end = r.chance(0.1) ? "\r\n" : "\n";
    const text = (items: readonly string[]): string => {
      const spaced = items.map((item) => (r.chance(0.15) ? `// ${r.pick(["}", "{", "int x() {", "'", '"'])}\n${item}` : item));
      return (spaced.join(r.pick(["\n", "\n\n", "\n/* { */\n"])) + r.pick(["\n", "", "\n\n"])).replaceAll("\n", end);
    };
    const names = r.shuffled(["a", "z", "motor", "B_2", "x y"]);
    return Object.fromEntries([
      ["main.ino", text(ordered)],
      ...rest.map((items, i) => [`${names[i]}.${r.chance(0.1) ? "pde" : "ino"}`, text(items)]),
    ]);
  }
}

/** As one has to write it in C++. */
function explicitly(known: readonly string[], setup: string, loop: string, pieces: readonly Piece[]): string {
  const prototypes = pieces.map((piece) => piece.prototype ?? "");
  const definitions = pieces.map((piece) => piece.bare ?? piece.definition);
  // A prototype of its own with a default argument stands among what is known.
  const own = known.filter((text) => /^int f\d+\(int a = 3\);$/.test(text));
  return [
    "#include <Arduino.h>",
    ...known,
    ...prototypes.filter((text) => !own.includes(text)),
    "void setup();",
    "void loop();",
    setup,
    loop,
    ...definitions,
    "",
  ].join("\n");
}
