#pragma once
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
void setup(void);
void loop(void);
extern const char *usb_kind;
#ifdef __cplusplus
}
#endif
