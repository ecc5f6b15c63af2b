#pragma once
#include <pins_arduino.h>
#include <sdk.h>
#include <sdkconfig.h>
#ifdef __cplusplus
extern "C" {
#endif
int core(int value);
void variant(void);
void setup(void);
void loop(void);
#ifdef __cplusplus
}
#endif
