/* Of this the test makes the SDK's archive. */
int sdk(int value) { return value + 1; }
