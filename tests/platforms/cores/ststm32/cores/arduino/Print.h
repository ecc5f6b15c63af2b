#pragma once
#include <stddef.h>
struct Print {
  virtual size_t write(char c) = 0;
  size_t println(const char *text);
};
extern Print &Serial;
