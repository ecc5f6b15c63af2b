#pragma once
#define LED_ADDRESS 0x4001100c
