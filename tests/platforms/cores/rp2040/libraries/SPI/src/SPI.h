int spi(void);
