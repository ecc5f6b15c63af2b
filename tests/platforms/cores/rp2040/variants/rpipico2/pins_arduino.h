#pragma once
#define PIN_LED 25
