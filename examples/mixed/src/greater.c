#include "sum.h"

uint16_t greater(uint16_t a, uint16_t b) { return a > b ? a : b; }
