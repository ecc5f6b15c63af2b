#include "pins_arduino.h"
void init_board(void) {}
void write_led(unsigned on) { *(volatile unsigned *)LED_ADDRESS = on; }
