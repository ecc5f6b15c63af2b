#define VECTORS 14
