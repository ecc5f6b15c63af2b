#include "SPI.h"
int spi(void) { return 2; }
