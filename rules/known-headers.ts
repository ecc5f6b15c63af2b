/** Headers that sketches often include, and the library of PlatformIO's registry that has each: for the hint beside a compiler's "no such file". */

/** By header, without case: `OWNER/NAME` as lib_deps takes it. */
const KNOWN: Readonly<Record<string, string>> = {
  "AccelStepper.h": "waspinator/AccelStepper",
  "Adafruit_ADS1X15.h": "adafruit/Adafruit ADS1X15",
  "Adafruit_BME280.h": "adafruit/Adafruit BME280 Library",
  "Adafruit_BMP280.h": "adafruit/Adafruit BMP280 Library",
  "Adafruit_BusIO_Register.h": "adafruit/Adafruit BusIO",
  "Adafruit_GFX.h": "adafruit/Adafruit GFX Library",
  "Adafruit_I2CDevice.h": "adafruit/Adafruit BusIO",
  "Adafruit_MPU6050.h": "adafruit/Adafruit MPU6050",
  "Adafruit_NeoPixel.h": "adafruit/Adafruit NeoPixel",
  "Adafruit_PWMServoDriver.h": "adafruit/Adafruit PWM Servo Driver Library",
  "Adafruit_Sensor.h": "adafruit/Adafruit Unified Sensor",
  "Adafruit_SSD1306.h": "adafruit/Adafruit SSD1306",
  "Adafruit_ST7735.h": "adafruit/Adafruit ST7735 and ST7789 Library",
  "ArduinoBLE.h": "arduino-libraries/ArduinoBLE",
  "ArduinoJson.h": "bblanchon/ArduinoJson",
  "AsyncTCP.h": "me-no-dev/AsyncTCP",
  "Bounce2.h": "thomasfredericks/Bounce2",
  "DallasTemperature.h": "milesburton/DallasTemperature",
  "DHT.h": "adafruit/DHT sensor library",
  "Encoder.h": "paulstoffregen/Encoder",
  "ESPAsyncWebServer.h": "me-no-dev/ESPAsyncWebServer",
  "FastLED.h": "fastled/FastLED",
  "HX711.h": "bogde/HX711",
  "IRremote.hpp": "z3t0/IRremote",
  "IRremote.h": "z3t0/IRremote",
  "Keypad.h": "chris--a/Keypad",
  "LedControl.h": "wayoda/LedControl",
  "LiquidCrystal.h": "arduino-libraries/LiquidCrystal",
  "LiquidCrystal_I2C.h": "marcoschwartz/LiquidCrystal_I2C",
  "LoRa.h": "sandeepmistry/LoRa",
  "MFRC522.h": "miguelbalboa/MFRC522",
  "OneWire.h": "paulstoffregen/OneWire",
  "PubSubClient.h": "knolleary/PubSubClient",
  "RF24.h": "nrf24/RF24",
  "RTClib.h": "adafruit/RTClib",
  "Servo.h": "arduino-libraries/Servo",
  "Stepper.h": "arduino-libraries/Stepper",
  "TFT_eSPI.h": "bodmer/TFT_eSPI",
  "TinyGPS++.h": "mikalhart/TinyGPSPlus",
  "TinyGPSPlus.h": "mikalhart/TinyGPSPlus",
  "U8g2lib.h": "olikraus/U8g2",
  "U8x8lib.h": "olikraus/U8g2",
  "unity.h": "throwtheswitch/Unity",
  "WiFiManager.h": "tzapu/WiFiManager",
};

const byLower = new Map(Object.entries(KNOWN).map(([header, library]) => [header.toLowerCase(), { header, library }]));

/** The library of a header, and how the header is really spelled; null for one that is not known. */
export function knownHeader(name: string): { readonly header: string; readonly library: string } | null {
  return byLower.get(name.toLowerCase()) ?? null;
}
