#include "Arduino.h"
void delay(uint32_t ms) {
  for (volatile uint32_t i = 0; i < ms * 1000; i++) {}
}
