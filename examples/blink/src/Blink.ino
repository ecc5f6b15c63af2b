// Blinks the board's LED and says so on the serial port. report() is used before it is defined: fb writes the prototype.

unsigned blinks = 0;

void setup() {
  pinMode(LED_BUILTIN, OUTPUT);
  Serial.begin(9600);
  Serial.println("hello from fb");
}

void loop() {
  digitalWrite(LED_BUILTIN, HIGH);
  delay(100);
  digitalWrite(LED_BUILTIN, LOW);
  delay(100);
  report(++blinks);
}

void report(unsigned count) {
  Serial.print("blink ");
  Serial.println(count);
}
