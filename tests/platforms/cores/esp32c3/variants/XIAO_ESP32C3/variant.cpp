#include "Arduino.h"
extern "C" void variant(void) {}
