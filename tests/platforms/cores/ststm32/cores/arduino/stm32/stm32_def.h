#pragma once
#include <core_cm.h>
#if defined(STM32F4xx)
#define FAMILY "F4"
#elif defined(STM32F1xx)
#define FAMILY "F1"
#else
#define FAMILY "?"
#endif
