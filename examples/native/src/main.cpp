#include "median.h"
#include <iostream>

int main() {
  std::cout << "median " << median({5, 1, 4, 2, 3}) << '\n';
  return median({5, 1, 4, 2, 3}) == 3 ? 0 : 1;
}
