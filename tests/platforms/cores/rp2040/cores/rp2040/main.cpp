#include "Arduino.h"

extern "C" unsigned _data_from, _data_start, _data_end;

static void numbers(unsigned value) {
  char text[12];
  char *at = text + sizeof text;
  *--at = 0;
  do *--at = '0' + value % 10;
  while (value /= 10);
  say(at);
}

int main() {
  for (unsigned *to = &_data_start, *from = &_data_from; to < &_data_end;) *to++ = *from++;
  setup();
  for (;;) {
    say(REGS_OF " ");
    numbers(core());
    say("\n");
    loop();
  }
}
