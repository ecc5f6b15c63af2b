#include <Arduino.h>

void setup() {
  Serial.begin(BAUD);
#ifdef SECOND_PORT
  Serial1.begin(BAUD);
#endif
}

void loop() {
  if (!Serial.available()) return;
  int c = Serial.read();
  Serial.write(c);
#ifdef SECOND_PORT
  Serial1.write(c);
#endif
}
