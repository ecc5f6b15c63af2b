#include "Adafruit_TinyUSB.h"
int tusb(void) { return 1; }
