#include "vectors.h"
  .syntax unified
  .thumb
  .section .isr_vector, "a"
  .global vectors
vectors:
  .word _estack
  .word Reset_Handler
  .rept VECTORS
  .word Default_Handler
  .endr
  .text
  .thumb_func
  .weak Default_Handler
Default_Handler:
  b .
