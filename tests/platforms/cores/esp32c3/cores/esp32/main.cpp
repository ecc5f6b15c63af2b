#include "Arduino.h"
/* What a bootloader looks for at the beginning of the first segment; the digest of the ELF file goes into it. */
extern "C" __attribute__((section(".rodata_desc"), used)) const struct {
  unsigned magic, version[35];
  unsigned char digest[32];
  unsigned more[20];
} esp_app_desc = {0xABCD5432, {}, {}, {}};
static const char board[] = ARDUINO_BOARD;
int zero;
extern "C" void app_main(void) {
  variant();
  zero = core(board[sdk(0) & 7]);
  setup();
  for (;;) loop();
}
