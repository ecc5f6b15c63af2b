#pragma once
#if defined(STM32F4xx)
#define FAMILY "F4"
#elif defined(STM32F1xx)
#define FAMILY "F1"
#else
#define FAMILY "?"
#endif
