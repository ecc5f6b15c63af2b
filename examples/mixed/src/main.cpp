#include <Arduino.h>
#include "sum.h"
#include "version.h"

static const uint8_t bytes[] = {200, 100, 50};

void setup() {
  Serial.begin(9600);
  Serial.println(GREETING " " VERSION);
  Serial.println(greater(sum_bytes(bytes, sizeof bytes), 300));
}

void loop() {}
