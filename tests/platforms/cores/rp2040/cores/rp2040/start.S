.syntax unified
.thumb
.section .vectors, "ax"
.word __StackTop
.word _entry_point
.section .reset, "ax"
.global _entry_point
.thumb_func
_entry_point: bl main
