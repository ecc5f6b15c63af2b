#define SDK_FLASH 1
