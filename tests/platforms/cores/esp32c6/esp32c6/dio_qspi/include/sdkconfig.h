#define SDK_FLASH 2
