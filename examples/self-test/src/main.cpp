// Answers over the serial port, so that a script can test it: see self-test.mjs.
#include <Arduino.h>

String request;

void answer(const String &said) {
  if (said.startsWith("add ")) {
    const int space = said.indexOf(' ', 4);
    Serial.println(said.substring(4, space).toInt() + said.substring(space + 1).toInt());
  } else {
    Serial.print("what is ");
    Serial.println(said);
  }
}

void setup() {
  Serial.begin(115200);
  Serial.println("ready");
}

void loop() {
  while (Serial.available() > 0) {
    const char c = Serial.read();
    if (c == '\n') {
      answer(request);
      request = "";
    } else {
      request += c;
    }
  }
}
