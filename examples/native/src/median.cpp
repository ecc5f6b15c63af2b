#include "median.h"
#include <algorithm>

int median(std::vector<int> readings) {
  auto middle = readings.begin() + static_cast<std::ptrdiff_t>(readings.size() / 2);
  std::nth_element(readings.begin(), middle, readings.end());
  return *middle;
}
