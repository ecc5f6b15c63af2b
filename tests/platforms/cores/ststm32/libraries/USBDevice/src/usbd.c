#include "usbd.h"
int usbd_kind(void) { return USBD_KIND; }
