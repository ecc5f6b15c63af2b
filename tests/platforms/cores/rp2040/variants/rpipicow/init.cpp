#include <Arduino.h>
extern "C" int variant(void) { return PIN_LED; }
