// The first stage: VTOR at 0x10000100, then what the vector there says. Filled up, and with the checksum that the boot ROM wants.
#include "base.h"
.syntax unified
.cpu cortex-m0plus
.thumb
.section .boot2, "ax"
  ldr r0, =FIRST_STAGE_GOES_TO
  ldr r1, =0xe000ed08
  str r0, [r1]
  ldmia r0, {r0, r1}
  msr msp, r0
  bx r1
  .ltorg
  .org 252
  .word 0xfb24258e
