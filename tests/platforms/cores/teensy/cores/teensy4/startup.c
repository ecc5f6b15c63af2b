#include "Arduino.h"
extern uint32_t __rtc_localtime;
int main(void);
/* The clock begins with the time of the link. */
__attribute__((section(".rtc"), used)) static const uint32_t now = (uint32_t)&__rtc_localtime;
__attribute__((section(".flashmem"), used)) static void (*const vectors[])(void) = {(void (*)(void))0x20080000, (void (*)(void))main};
void ResetHandler(void) { main(); }
