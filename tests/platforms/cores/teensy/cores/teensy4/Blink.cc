#error "it is left out"
