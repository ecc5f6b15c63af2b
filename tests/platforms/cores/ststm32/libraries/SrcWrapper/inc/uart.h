#pragma once
#define UART_BASE 0x40004400u
