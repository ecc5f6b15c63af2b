#pragma once
#include <vector>

/** The middle value of an odd number of readings. */
int median(std::vector<int> readings);
