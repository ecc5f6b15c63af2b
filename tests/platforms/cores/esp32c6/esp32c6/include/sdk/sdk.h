#pragma once
#ifdef __cplusplus
extern "C"
#endif
int sdk(int value);
