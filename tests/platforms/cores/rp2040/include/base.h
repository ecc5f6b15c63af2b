#pragma once
#define BASE 7
#ifdef __ASSEMBLER__
#define FIRST_STAGE_GOES_TO 0x10000100
#endif
