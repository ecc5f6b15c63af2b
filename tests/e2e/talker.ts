/** Programs for an ATmega that talk, without a framework: they build in a moment. */

/** A program of C that can `say` text at 9600 baud; body: what its main does then. before: what stands above main. */
export function talker(body: string, before = ""): string {
  return `#include <avr/io.h>
#include <avr/pgmspace.h>
#include <util/delay.h>
static void say(const char *c) { for (; *c; c++) { while (!(UCSR0A & _BV(UDRE0))) {} UDR0 = *c; } }
${before}
int main(void) {
  UBRR0 = F_CPU / 16 / 9600 - 1;
  UCSR0B = _BV(TXEN0);
${body}
}
`;
}

/** Says "tick N" with the end of line that is given every 100 ms, "sum ok" with the third; with the sixth `last`, and no more. */
export function ticker(newline: string, last: string): string {
  return talker(`  char tick[] = "tick 0${newline}";
  for (;;) {
    _delay_ms(100);
    tick[5]++;
    say(tick);
    if (tick[5] == '3') say("sum ok\\n");
    if (tick[5] == '6') { say("${last}"); for (;;) {} }
  }`);
}
