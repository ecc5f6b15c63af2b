#include "Blinker.h"
#include <Arduino.h>
void blink_once() {
  write_led(1);
  delay(1);
  write_led(0);
}
