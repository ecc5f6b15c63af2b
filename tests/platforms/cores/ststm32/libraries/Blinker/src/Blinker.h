#pragma once
void blink_once(void);
