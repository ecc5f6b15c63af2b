#include "Arduino.h"
#include "uart.h"
#ifdef HAL_UART_MODULE_ENABLED
struct Uart : Print {
  size_t write(char c) override {
    volatile uint32_t *uart = (volatile uint32_t *)UART_BASE;
    while (!(uart[0] & 0x80)) {}
    uart[1] = (uint8_t)c;
    return 1;
  }
};
static Uart uart;
Print &Serial = uart;
#endif
