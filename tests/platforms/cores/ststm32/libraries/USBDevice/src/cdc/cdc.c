#include "usbd.h"
int usbd_cdc(void) { return USBD_KIND + 1; }
