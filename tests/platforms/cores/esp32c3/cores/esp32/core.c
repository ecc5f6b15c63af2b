#include "Arduino.h"
#ifndef ARDUINO_CORE_BUILD
#error "the core is compiled with a define of its own"
#endif
int core(int value) { return value + LED_BUILTIN + F_CPU / ARDUINO + SDK_FLASH; }
