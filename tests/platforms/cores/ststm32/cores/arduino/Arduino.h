#pragma once
#include <stdint.h>
#include "pins_arduino.h"
#include "stm32_def.h"
#ifdef __cplusplus
extern "C" {
#endif
void setup(void);
void loop(void);
void delay(uint32_t ms);
void write_led(uint32_t on);
#ifdef __cplusplus
}
#include "Print.h"
#endif
