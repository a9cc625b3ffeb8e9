/* The table is of an interface that nobody knows. */
#include "evil.h"

EVIL(t->interface.interface = 2;)
