#include "Arduino.h"
size_t Print::println(const char *text) {
  size_t n = 0;
  while (*text) n += write(*text++);
  return n + write('\n');
}
