/* What the core's archive has: built by the test, as the real core's comes built. */
void say(const char *text) { while (*text) *(volatile unsigned *)0x40034000 = (unsigned char)*text++; }
void *__wrap_malloc(unsigned size) { return 0; }
void __wrap_free(void *memory) {}
