#include "Arduino.h"
static int turns = 40;
int core(void) { return turns++ + BASE; }
