/** An Arduino core for AVR that is quickly planned and compiled by stand-ins: the libraries that the real one has, in its layouts, and Servo in that of its own package. */
import type { Files } from "./peer.ts";

const properties = (name: string, architectures: string): string => `name=${name}\nversion=1.0\narchitectures=${architectures}\n`;

/** By path inside the framework's folder. */
export const SMALL_CORE: Files = {
  "cores/arduino/Arduino.h": '#include "Print.h"\n#include "pins_arduino.h"\n',
  "cores/arduino/Print.h": "\n",
  "cores/arduino/main.cpp": "#include <Arduino.h>\n",
  "variants/standard/pins_arduino.h": "\n",
  "libraries/EEPROM/library.properties": properties("EEPROM", "avr"),
  "libraries/EEPROM/src/EEPROM.h": "#include <inttypes.h>\n#include <avr/eeprom.h>\n",
  "libraries/EEPROM/examples/eeprom_clear/eeprom_clear.ino": "#include <EEPROM.h>\n",
  "libraries/SPI/library.properties": properties("SPI", "avr"),
  "libraries/SPI/src/SPI.h": "#include <Arduino.h>\n",
  "libraries/SPI/src/SPI.cpp": '#include "SPI.h"\n',
  "libraries/Servo/library.properties": properties("Servo", "avr,megaavr,sam,samd,nrf52,stm32f4"),
  "libraries/Servo/src/Servo.h":
    '#if defined(ARDUINO_ARCH_AVR)\n#include "avr/ServoTimers.h"\n#elif defined(ARDUINO_ARCH_SAM)\n#include "sam/ServoTimers.h"\n#else\n#error "only for some"\n#endif\n',
  "libraries/Servo/src/avr/Servo.cpp": '#if defined(ARDUINO_ARCH_AVR)\n#include <Arduino.h>\n#include "Servo.h"\n#endif\n',
  "libraries/Servo/src/avr/ServoTimers.h": "\n",
  "libraries/Servo/src/sam/Servo.cpp":
    "#if defined(ARDUINO_ARCH_SAM)\n#include <Arduino.h>\n#include <Servo.h>\n#include <Wire.h>\n#endif\n",
  "libraries/Servo/src/sam/ServoTimers.h": "\n",
  "libraries/SoftwareSerial/library.properties": properties("SoftwareSerial", "avr"),
  "libraries/SoftwareSerial/src/SoftwareSerial.h": "#include <inttypes.h>\n#include <Stream.h>\n",
  "libraries/SoftwareSerial/src/SoftwareSerial.cpp": "#include <avr/interrupt.h>\n#include <SoftwareSerial.h>\n",
  "libraries/Wire/library.properties": properties("Wire", "avr"),
  "libraries/Wire/src/Wire.h": '#include "Stream.h"\n',
  "libraries/Wire/src/Wire.cpp": 'extern "C" {\n#include "utility/twi.h"\n}\n#include "Wire.h"\n',
  "libraries/Wire/src/utility/twi.h": "\n",
  "libraries/Wire/src/utility/twi.c": '#include "twi.h"\n#include "Arduino.h"\n',
};

/** Headers of its libraries. */
export const CORE_HEADERS = ["Wire.h", "SPI.h", "EEPROM.h", "SoftwareSerial.h", "Servo.h"];
