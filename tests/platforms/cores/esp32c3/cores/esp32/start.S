#include "other.h"
  .section .iram1, "ax"
  .global call_start
call_start:
  li a0, OTHER
  la sp, stack_end
  call app_main
