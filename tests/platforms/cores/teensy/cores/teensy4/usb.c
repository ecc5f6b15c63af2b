#include "Arduino.h"
#if defined(USB_MIDI)
const char *usb_kind = "midi";
#elif defined(USB_SERIAL)
const char *usb_kind = "serial";
#else
const char *usb_kind = "none";
#endif
