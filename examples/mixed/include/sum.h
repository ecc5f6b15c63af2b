#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/** The sum of n bytes. Assembler: src/sum.S. */
uint16_t sum_bytes(const uint8_t *bytes, uint8_t n);
/** The greater one. C: src/greater.c. */
uint16_t greater(uint16_t a, uint16_t b);
#ifdef __cplusplus
}
#endif
