#pragma once
#define LED_ADDRESS 0x40020014
