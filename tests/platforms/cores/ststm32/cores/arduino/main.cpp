#include "Arduino.h"
extern "C" void init_board(void);
int main() {
  init_board();
  setup();
  for (;;) loop();
}
