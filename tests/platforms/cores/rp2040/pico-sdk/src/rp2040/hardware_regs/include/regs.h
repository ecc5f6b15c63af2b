#define REGS_OF "rp2040"
