int tusb(void);
