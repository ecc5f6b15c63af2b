; uint16_t sum_bytes(const uint8_t *bytes, uint8_t n): bytes in r25:r24, n in r22, the result in r25:r24.
#include <avr/io.h>
.section .text.sum_bytes, "ax", @progbits
.global sum_bytes
sum_bytes:
  movw r30, r24
  clr  r24
  clr  r25
  tst  r22
  breq 2f
1:
  ld   r23, Z+
  add  r24, r23
  adc  r25, r1
  dec  r22
  brne 1b
2:
  ret
