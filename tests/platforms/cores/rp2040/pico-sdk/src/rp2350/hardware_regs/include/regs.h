#define REGS_OF "rp2350"
