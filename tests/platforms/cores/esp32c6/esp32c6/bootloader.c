/* Of this the test makes the SDK's bootloader. */
const char name[] = "a bootloader of a test";
void start(const char *text) { for (;;) *(volatile const char *)text; }
void entry(void) { start(name); }
