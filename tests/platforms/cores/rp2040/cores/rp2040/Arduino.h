#pragma once
#include <base.h>
#include <regs.h>
#include <pins_arduino.h>
#ifdef __cplusplus
extern "C" {
#endif
int core(void);
void say(const char *text);
void setup(void);
void loop(void);
#ifdef __cplusplus
}
#endif
