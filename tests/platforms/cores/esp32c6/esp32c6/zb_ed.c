int zb(void) { return 7; }
