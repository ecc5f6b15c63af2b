#pragma once
#ifdef USBD_USE_CDC
#define USBD_KIND 1
#else
#define USBD_KIND 0
#endif
